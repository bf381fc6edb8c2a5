"""The offsets of an `EmbeddingBag` are the lengths of its lines, and not where these begin."""

from __future__ import annotations

from backtrack.vocabulary.bags import are_lengths
from backtrack.watch.checks.check import Check
from backtrack.watch.checks.moments import Inner


class BagOffsets(Check):
    name = "bag_offsets"
    looks_at = "the offsets that an EmbeddingBag gets, in passes that are looked at closely"
    cost = "a comparison of neighbours"
    source = "PyTorch documentation of EmbeddingBag: offsets are the starting positions of each bag"
    expected = "offsets that go up: where each line begins in the row of all words"
    remedy = "add the lengths up: offsets = torch.tensor([0, *lengths[:-1]]).cumsum(0)"

    def inner(self, call: Inner) -> None:
        if type(call.module).__name__ != "EmbeddingBag" or len(call.inputs) < 2:
            return
        words, offsets = call.inputs[0], call.inputs[1].detach()
        if words.ndim == 1 and are_lengths(offsets):
            first = ", ".join(str(int(one)) for one in offsets[:4])
            self.finds(
                call.place,
                f"the offsets of {len(offsets)} lines go back ({first}, …): most lines get no word of their own, and "
                f"the last one gets {len(words) - int(offsets[-1])} of all {len(words)}",
            )
