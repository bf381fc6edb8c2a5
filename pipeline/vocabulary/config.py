"""A config: one level for every active factor, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

Level = str | int | float | bool


def label(level: Any) -> str:
    """A level as text, the same in records, tables and MLflow: `true`, `0.001`, `sgd`, `-` when absent."""
    if level is None:
        return "-"
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, float):
        return f"{level:.6g}"
    return str(level)


class Config(Mapping[str, Level]):
    """One level for every active factor; immutable, hashable, and the same everywhere.

    `Config.hash` is the first 16 hex digits of the SHA-256 of its canonical JSON: it does not depend on
    the order of the factors, on the process, or on the machine.

    Example:
        >>> Config({"lr": 0.1, "cell": "rnn"}) == Config({"cell": "rnn", "lr": 0.1})
        True
        >>> Config({"lr": 0.1})
        Config(lr=0.1)
    """

    __slots__ = ("_levels", "hash")

    def __init__(self, levels: Mapping[str, Level]) -> None:
        self._levels = {name: levels[name] for name in sorted(levels) if levels[name] is not None}
        text = json.dumps(self._levels, sort_keys=True, separators=(",", ":"))
        self.hash = hashlib.sha256(text.encode()).hexdigest()[:16]

    def __getitem__(self, name: str) -> Level:
        return self._levels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)

    def __hash__(self) -> int:
        return hash(self.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self.hash == other.hash

    def __repr__(self) -> str:
        return "Config(" + ", ".join(f"{name}={label(level)}" for name, level in self.items()) + ")"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Config, (self._levels,))
