"""What a model is judged by holds a token that it never saw, and next to nothing else: the vocabulary is another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from backtrack.vocabulary.finding import Finding
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.heard import Heard
from backtrack.watch.checks.moments import Pass

# Tokens that an example has at least, and examples of each side that tell.
TOKENS, EXAMPLES = 4, 16
# Tokens that training has to show, and the share of examples that say nothing.
SEVERAL, MOSTLY = 4, 0.75
# Examples of a batch that are looked at.
MOST = 256


class UnknownTokens(Check):
    name = "unknown_tokens"
    looks_at = "the tokens of a model's first passes without gradients that follow a step, against those it trains on"
    cost = "the distinct tokens of a pass, in the first passes of each kind"
    source = "scikit-learn documentation, Common pitfalls: inconsistent preprocessing"
    expected = "examples that are made of the tokens that the model was trained on"
    remedy = (
        "look at how the text that is judged becomes tokens: by the same vocabulary, and prepared as for training "
        "(lower case, the same splitting)"
    )
    of_judging = True

    def __init__(self, heard: Heard, found: Callable[[Finding], None]) -> None:
        super().__init__(heard, found)
        self._known: dict[int, set[int]] = {}
        # Of each model: the place of its first pass without gradients, examples, and of those that say nothing how many
        # hold which token.
        self._judged: dict[int, tuple[str, Counter[int], list[int]]] = {}

    def passed(self, call: Pass) -> None:
        given, key = call.given, id(call.model)
        if given.ndim != 2 or given.is_floating_point() or given.is_complex() or given.shape[1] < TOKENS:
            return
        rows = given[:MOST].tolist()
        if call.gradients:
            self._known.setdefault(key, set()).update(token for row in rows for token in row)
            return
        _, silent, examples = self._judged.setdefault(key, (call.place, Counter(), [0]))
        known = self._known.get(key, set())
        examples[0] += len(rows)
        for row in rows:
            # (What fills up the end of a row may be known or not.)
            tokens = set(row)
            if len(tokens) <= 2:
                silent.update(tokens - known)

    def end(self) -> None:
        for key, (place, silent, (examples,)) in self._judged.items():
            token, count = silent.most_common(1)[0] if silent else (0, 0)
            if examples >= EXAMPLES and len(self._known.get(key, ())) >= SEVERAL and count >= MOSTLY * examples:
                self.finds(
                    place,
                    f"{count} of {examples} examples without gradients hold the token {token} and at most one other, "
                    f"and no training example that was looked at holds {token}",
                )
