"""Examples are known again by a number: a random projection of all that a model gets of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Of larger inputs about so many numbers are looked at.
COLUMNS = 4096
# Numbers that are drawn at once, and inputs that a model may have.
PIECE, MOST_INPUTS = 256, 1000
# Of a projection, what counts: two that differ by less, as by rounding, are the same example.
PRECISION = 1e-6


class ExampleMarks:
    """Gives each example of a batch a number, the same one whenever it comes again.

    Args:
        torch: the module.

    Example:
        >>> import torch
        >>> marks = ExampleMarks(torch)
        >>> first = marks.of([torch.tensor([[1.0, 2.0], [3.0, 4.0]])])
        >>> again = marks.of([torch.tensor([[3.0, 4.0], [1.0, 2.0]])])
        >>> first == again[::-1], first[0] == first[1]
        (True, False)
        >>> marks.of([torch.tensor([[1.0, 2.0, 0.0]])])[0] == first[0]
        True
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._directions: dict[int, Any] = {}

    def of(self, inputs: Sequence[Any]) -> list[int]:
        """The marks of a batch.

        Args:
            inputs: tensors of (examples, …), all that the model gets.
        """
        marks: Any = 0
        for place, one in enumerate(inputs):
            rows = one.detach().reshape(len(one), -1)
            rows = rows[:, :: max(1, rows.shape[1] // COLUMNS)].to("cpu", self._torch.float64)
            marks = marks + rows @ self._direction(place, rows.shape[1])
        return (marks / PRECISION).round().nan_to_num(0, 0, 0).long().tolist()

    def _direction(self, place: int, width: int) -> Any:
        """The same numbers for each width, so that zeros at the end of a row, as padding, change no mark."""
        torch = self._torch
        known = self._directions.get(place)
        if known is None or len(known) < width:
            # Of its own, so that the program's random numbers stay what they are; in pieces, of which none depends on
            # how many there are.
            pieces = [
                torch.randn(
                    PIECE, generator=torch.Generator().manual_seed(place + MOST_INPUTS * number), dtype=torch.float64
                )
                for number in range(-(-width // PIECE))
            ]
            known = self._directions[place] = torch.cat(pieces)
        return known[:width]
