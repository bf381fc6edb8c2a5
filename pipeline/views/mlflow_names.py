"""Names as MLflow takes them, and back.

MLflow refuses a metric called `acc@1`, and with it everything that is logged in the same call. What it does not take is
written as `_x40_`, the character's number; what looks like that already is written so itself.
"""

from __future__ import annotations

import posixpath
import re

# What MLflow 3 takes in the name of a metric, parameter or tag.
_TAKEN = re.compile(r"[A-Za-z0-9_\-. /:]")
_ESCAPED = re.compile(r"_x([0-9a-f]{2,6})_")


def to_mlflow(name: str) -> str:
    """A name that MLflow takes.

    Example:
        >>> to_mlflow("acc@1"), to_mlflow("mrr/food")
        ('acc_x40_1', 'mrr/food')
    """
    safe = _ESCAPED.sub(lambda match: f"_x5f_{match.group(0)[1:]}", name)
    safe = "".join(character if _TAKEN.match(character) else _escape(character) for character in safe)
    path = posixpath.normpath(safe)
    if not safe.strip() or safe != safe.strip() or path != safe or path == "." or path.startswith(("/", "..")):
        # MLflow takes slashes and dots as a path, which has to be one.
        safe = re.sub(r"[./ ]", lambda match: _escape(match.group(0)), safe)
    return safe


def from_mlflow(name: str) -> str:
    """The inverse of `to_mlflow`.

    Example:
        >>> from_mlflow("acc_x40_1")
        'acc@1'
    """
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), name)


def _escape(character: str) -> str:
    return f"_x{ord(character):02x}_"
