"""The names of torch's layers that are linear maps of what they get, and a constant."""

from __future__ import annotations

LINEAR = ("Linear", "Conv1d", "Conv2d", "Conv3d")
