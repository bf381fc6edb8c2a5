"""Several suggested patches as one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from backtrack.evidence.checkup.case import Case, Changes
from backtrack.evidence.checkup.repairs import option_of

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


@dataclass
class _Edits:
    """Of one file: the old lines that its patches show, by number, and what they become.

    Args:
        shown: `{number: line}`.
        instead: `{number: lines}` of those that change; empty where a line goes.
        before: `{number: lines}` that come before a line.
    """

    shown: dict[int, str] = field(default_factory=dict)
    instead: dict[int, list[str]] = field(default_factory=dict)
    before: dict[int, list[str]] = field(default_factory=dict)


def patch_of(case: Case, changes: Changes) -> str:
    """The edits that changes are in the user's code, as one; empty where one of them is none."""
    patches = [option_of(case, change).patch for change in changes]
    return merged(patches) if patches and all(patches) else ""


def merged(patches: Sequence[str]) -> str:
    """One unified diff that does what each of these does; empty where two of them rewrite the same words.

    Args:
        patches: unified diffs of the same old files, with lines around each edit.

    Example:
        >>> rate = "--- a.py\\n+++ a.py\\n@@ -1 +1 @@\\n-SGD(w, lr=1, decay=2)\\n+SGD(w, lr=9, decay=2)"
        >>> decay = "--- a.py\\n+++ a.py\\n@@ -1 +1 @@\\n-SGD(w, lr=1, decay=2)\\n+SGD(w, lr=1, decay=0)"
        >>> print(merged([rate, decay]).splitlines()[-1])
        +SGD(w, lr=9, decay=0)
    """
    if len(patches) == 1:
        return patches[0]
    files: dict[str, _Edits] = {}
    for patch in patches:
        for name, edits in _read(patch).items():
            if not _add(files.setdefault(name, _Edits()), edits):
                return ""
    return "\n".join(line for name, edits in files.items() for line in _written(name, edits))


def _read(patch: str) -> dict[str, _Edits]:
    files: dict[str, _Edits] = {}
    edits, number = _Edits(), 0
    gone: list[int] = []
    come: list[str] = []

    def close() -> None:
        if gone and len(gone) == len(come):
            edits.instead.update({at: [line] for at, line in zip(gone, come, strict=True)})
        elif gone:
            edits.instead.update({at: come.copy() if at == gone[0] else [] for at in gone})
        elif come:
            edits.before[number] = come.copy()
        gone.clear()
        come.clear()

    for line in patch.splitlines():
        hunk = _HUNK.match(line)
        if line.startswith("--- ") and not number:
            edits = files.setdefault(line[4:], _Edits())
        elif hunk:
            close()
            # Of a hunk without old lines the number is that of the line before it.
            number = int(hunk[1]) + (hunk[2] == "0")
        elif line.startswith("-") and number:
            if come:
                close()
            edits.shown[number] = line[1:]
            gone.append(number)
            number += 1
        elif line.startswith("+") and number:
            come.append(line[1:])
        elif number:
            close()
            edits.shown[number] = line[1:]
            number += 1
    close()
    return files


def _add(whole: _Edits, edits: _Edits) -> bool:
    """Takes another patch's edits of the file in; False where they meet those that are there."""
    whole.shown.update(edits.shown)
    for number, lines in edits.before.items():
        whole.before[number] = [*whole.before.get(number, []), *lines]
    for number, lines in edits.instead.items():
        both = _both(edits.shown[number], whole.instead.get(number, [edits.shown[number]]), lines)
        if both is None:
            return False
        whole.instead[number] = both
    return True


def _both(old: str, one: list[str], other: list[str]) -> list[str] | None:
    """What a line becomes where two edits are made in it; None where they meet."""
    if one in ([old], other):
        return other
    if len(one) != 1 or len(other) != 1:
        return None
    spans = sorted(_span(old, new[0]) for new in (one, other))
    (begin, end, text), (start, stop, rest) = spans
    if start < end or (begin, end) == (start, stop):
        return None
    return [old[:begin] + text + old[end:start] + rest + old[stop:]]


def _span(old: str, new: str) -> tuple[int, int, str]:
    """`(begin, end, text)`: the part of a line that becomes another text."""
    most = min(len(old), len(new))
    begin = next((at for at in range(most) if old[at] != new[at]), most)
    behind = next((at for at in range(most - begin) if old[-1 - at] != new[-1 - at]), most - begin)
    return begin, len(old) - behind, new[begin : len(new) - behind]


def _written(name: str, edits: _Edits) -> list[str]:
    lines = [f"--- {name}", f"+++ {name}"]
    numbers = sorted(set(edits.shown) | set(edits.before))
    begins = [at for at in numbers if at - 1 not in numbers]
    moved = 0
    for begin in begins:
        hunk: list[str] = []
        number = begin
        while number in numbers:
            hunk += [f"+{line}" for line in edits.before.get(number, [])]
            if number in edits.instead:
                hunk += [f"-{edits.shown[number]}", *(f"+{line}" for line in edits.instead[number])]
            elif number in edits.shown:
                hunk.append(f" {edits.shown[number]}")
            number += 1
        old, new = (sum(not line.startswith(mark) for line in hunk) for mark in "+-")
        lines += [f"@@ -{begin},{old} +{begin + moved},{new} @@", *hunk]
        moved += new - old
    return lines
