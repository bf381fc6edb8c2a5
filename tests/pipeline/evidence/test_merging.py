"""Suggested patches put together."""

from __future__ import annotations

import difflib

from backtrack.evidence.checkup.merging import merged

OLD = [f"line {number}" for number in range(12)]
OLD[4] = "opt = SGD(net.parameters(), lr=1, weight_decay=2)"


def diff(new: list[str]) -> str:
    """A patch of `OLD` as one is suggested."""
    return "\n".join(difflib.unified_diff(OLD, new, "a.py", "a.py", n=1, lineterm=""))


def applied(patch: str) -> list[str]:
    """`OLD` with a patch, read by the numbers of its hunks."""
    lines, result, at = patch.splitlines()[2:], [], 0
    for line in lines:
        if line.startswith("@@"):
            begin = int(line.split()[1].partition(",")[0][1:]) - 1
            result += OLD[at:begin]
            at = begin
            told = int(line.split()[2].partition(",")[0])
            assert told == len(result) + 1
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert OLD[at] == line[1:]
            result += [OLD[at]] if line.startswith(" ") else []
            at += 1
    return result + OLD[at:]


def test_edits_of_other_lines_stand_side_by_side() -> None:
    one = [*OLD[:2], "new", *OLD[2:]]
    two = [*OLD[:3], *OLD[4:]]
    three = [*OLD[:10], "last", *OLD[11:]]
    whole = merged([diff(one), diff(two), diff(three)])
    assert applied(whole) == [*OLD[:2], "new", OLD[2], *OLD[4:10], "last", OLD[11]]
    assert whole.count("@@ -") == 2


def test_edits_of_other_words_of_one_line_are_both_made() -> None:
    rate = [*OLD[:4], OLD[4].replace("lr=1", "lr=0.01"), *OLD[5:]]
    decay = [*OLD[:4], OLD[4].replace("=2", "=0.5"), *OLD[5:]]
    before = [*OLD[:4], "above", *OLD[4:]]
    whole = applied(merged([diff(decay), diff(rate), diff(before)]))
    assert whole[4:6] == ["above", "opt = SGD(net.parameters(), lr=0.01, weight_decay=0.5)"]


def test_edits_that_meet_are_no_patch() -> None:
    rate = [*OLD[:4], OLD[4].replace("lr=1", "lr=0.01"), *OLD[5:]]
    other = [*OLD[:4], "opt = Adam(net.parameters(), lr=3)", *OLD[5:]]
    gone = [*OLD[:4], *OLD[5:]]
    assert merged([diff(rate), diff(other)]) == ""
    assert merged([diff(rate), diff(gone)]) == ""
    assert merged([diff(rate), diff(rate)]) == diff(rate).replace("@@ -4,3 +4,3 @@", "@@ -4,3 +4,3 @@")


def test_patches_of_two_files_are_one_after_the_other() -> None:
    other = diff([*OLD[:2], "new", *OLD[2:]]).replace("a.py", "b.py")
    whole = merged([diff(["first", *OLD]), other])
    assert [line for line in whole.splitlines() if line.startswith("--- ")] == ["--- a.py", "--- b.py"]
