"""A comparison of two studies, in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtrack.evidence.comparing import DIFFERS, SAME, UNDECIDED, Comparison, Difference

STYLE = {DIFFERS: "bold red", SAME: "blue", UNDECIDED: "dim"}
WHAT = {
    "level": "mean of what trained",
    "effect": "effect on the gain",
    "rate": "share that fails",
    "failure effect": "effect on failures",
    "rule": "failures with",
}


def sentences_of(found: Comparison) -> list[str]:
    """What differs, what surely does not, and what is open, in words."""
    by_verdict = {
        verdict: [_named(one) for one in found.differences if one.verdict == verdict]
        for verdict in (DIFFERS, SAME, UNDECIDED)
    }
    said = [
        f"They differ in: {'; '.join(by_verdict[DIFFERS])}."
        if by_verdict[DIFFERS]
        else "No difference between them is shown."
    ]
    if by_verdict[SAME]:
        said.append(f"Surely alike, inside the margin: {'; '.join(by_verdict[SAME])}.")
    if by_verdict[UNDECIDED]:
        said.append(f"Undecided: {len(by_verdict[UNDECIDED])} questions. More runs in both would tell.")
    for names, side in ((found.only_first, "first"), (found.only_second, "second")):
        if names:
            said.append(f"Only the {side} varies {', '.join(names)}: nothing can be compared there.")
    said.append(
        f"Where the studies are alike, a false difference turns up in at most {100 * found.alpha:.3g}% of the "
        "comparisons (Holm). Ranges are 95 % intervals."
    )
    return said


def _named(one: Difference) -> str:
    if one.what in ("level", "rate"):
        return WHAT[one.what]
    return f"{WHAT[one.what]} {one.name}" if one.what == "rule" else f"{one.name}: {WHAT[one.what]}"


def print_comparison(found: Comparison, first: str, second: str) -> None:
    """The sentences, and a row for each question."""
    console = Console(width=None if Console().is_terminal else 150, highlight=False)
    with console.capture() as captured:
        for sentence in sentences_of(found):
            console.print(sentence)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for column in ("question", "of", first, second, "difference (95 % interval)", "p (Holm)", "verdict"):
            table.add_column(column, overflow="fold")
        for one in found.differences:
            table.add_row(
                WHAT[one.what],
                one.name,
                one.first,
                one.second,
                f"{one.difference:.3g} ({one.low:.3g} to {one.high:.3g})",
                "<0.0001" if one.p_adjusted < 1e-4 else f"{one.p_adjusted:.2g}",
                Text(one.verdict, style=STYLE[one.verdict]),
            )
        console.print()
        console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()), flush=True)
