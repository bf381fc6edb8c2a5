"""The colours of everything that is shown, once: pictures, page, terminal."""

INK, SOFT, FAINT, GRID = "#1f2933", "#616e7c", "#9aa5b1", "#e4e7eb"
RED, GREEN, BLUE, ORANGE, PURPLE, BROWN, OCHRE = (
    "#b4231f",
    "#2f7d4f",
    "#2b6cb0",
    "#d9822b",
    "#7d4fa3",
    "#5c3d2e",
    "#8a6d00",
)
CALM = "#3e7cb1"
QUIET = "#7b8794"

VERDICT_INK = {"active": RED, "goes with": OCHRE, "undecided": QUIET, "inactive": CALM}
CLAIM_INK = {"supported": GREEN, "refuted": RED, "depends": PURPLE}
OUTCOME_INK = {
    "ok": GREEN,
    "no_learning": RED,
    "diverged": ORANGE,
    "collapsed": PURPLE,
    "out_of_memory": BROWN,
    "crashed": INK,
    "timed_out": OCHRE,
    "pruned": FAINT,
}
# Lines of several levels in one panel.
LINES = (BLUE, RED, GREEN, ORANGE, PURPLE, BROWN, INK, FAINT)
