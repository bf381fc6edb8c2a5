"""What a crashed training says, and which crashes are of one kind."""

from __future__ import annotations

import re
from pathlib import PurePath

# A frame as Python prints it. What a message quotes, such as torch's "from user code", is indented by more.
_FRAME = re.compile(r'  File "[^"]+", line \d+')
# Of a GPU that was lost the message says what happened.
_LOST = "backtrack.trial.limits.DeviceLost: "
# What differs between two messages of one fault: numbers, addresses.
_DIFFERS = re.compile(r"0x[0-9a-fA-F]+|\d+(\.\d+)?")


def message_in(error: str | None) -> str:
    """The line of an error's text that says what happened: the exception's first, or the last line of any other text.

    Args:
        error: a trace, or the last words of a program.

    Example:
        >>> message_in('Traceback …\\n  File "a.py", line 2, in g\\n    f()\\nValueError: no\\n\\nSee the manual.')
        'ValueError: no'
        >>> message_in("loading\\nkilled\\n")
        'killed'
    """
    lines = (error or "").strip().splitlines()
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if frames:
        after = (line for line in lines[frames[-1] + 1 :] if line and not line[0].isspace())
        found = next(after, "")
        if found:
            return found.removeprefix(_LOST)
    return lines[-1] if lines else ""


def crash_kind(error: str, place: str = "") -> str:
    """An error's message without numbers and addresses, with its place: errors alike in these are one kind.

    Args:
        error: the message.
        place: `file:line` in the user's own files; the folder does not count, which another node has elsewhere.

    Example:
        >>> crash_kind("RuntimeError: size 12 at 0x7f01") == crash_kind("RuntimeError: size 7 at 0x88aa")
        True
        >>> crash_kind("ValueError: 3 classes", "/home/me/train.py:17")
        'ValueError: # classes (train.py:17)'
    """
    line = _DIFFERS.sub("#", error)
    return f"{line} ({PurePath(place).name})" if place else line
