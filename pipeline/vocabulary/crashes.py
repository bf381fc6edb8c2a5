"""What a crashed training says, and which crashes are of one kind."""

from __future__ import annotations

import re
from pathlib import PurePath

# A frame as Python prints it. What a message quotes, such as torch's "from user code", is indented by more.
_FRAME = re.compile(r'  File "[^"]+", line \d+')
# Of a GPU that was lost the message says what happened.
_LOST = "backtrack.trial.limits.DeviceLost: "
_HEAD = "Traceback (most recent call last)"
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
    # Messages quote frames too: the last trace begins with its head. Ray's traces have none.
    begin = [number for number, line in enumerate(lines) if line.startswith(_HEAD)] or [
        number for number, line in enumerate(lines) if _FRAME.match(line)
    ]
    if begin:
        after = [line for line in lines[begin[-1] + 1 :] if line.strip()]
        said = next((number for number, line in enumerate(after) if not line[0].isspace()), None)
        if said is not None:
            found = after[said].removeprefix(_LOST)
            # Some messages begin on a line of their own.
            more = after[said + 1].strip() if found.rstrip().endswith(":") and said + 1 < len(after) else ""
            return f"{found.rstrip()} {more}" if more else found
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
