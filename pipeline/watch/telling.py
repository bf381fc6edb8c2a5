"""`backtrack.report(accuracy=…)`: how a training says a number, wherever in its code that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from backtrack.errors import TaskError
from backtrack.watch import channel
from backtrack.watch.printed import flat

Listener = Callable[[dict[str, float], float | None], None]

# Who listens to the training that runs in this process.
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def report(numbers: Mapping[str, object] | None = None, /, *, at: float | None = None, **more: object) -> bool:
    """Reports numbers of the training that runs: from a script, a black box, or a callback of a library.

    Text, booleans and None are left out; of nested dicts the numbers are kept, `outer_inner` as their names.

    Args:
        numbers: `{name: number}`.
        at: where on the x axis: epoch, step, or what the task counts; None for one after the last.
        more: the same by keyword.

    Returns:
        Whether anybody listens: False outside of a sweep, where it does nothing.

    Raises:
        TaskError: where `numbers` is no dict.

    Example:
        >>> report(accuracy=0.4)
        False
    """
    if numbers is not None and not isinstance(numbers, Mapping):
        raise TaskError(f"backtrack.report({numbers!r:.60}): expected a dict or keywords, such as report(accuracy=0.4)")
    values = dict(flat({**(numbers or {}), **more}))
    listener = _listener.get()
    if listener is not None:
        listener(values, at)
        return True
    channel.tell("report", values=values, at=at)
    return channel.is_open()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Gives what is reported inside the block to `listener(numbers, at)`."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)
