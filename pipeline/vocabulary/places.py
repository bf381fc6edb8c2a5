"""Where in somebody's own code an exception came from."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

# Files of a program that are looked into.
FILES = 12
# Frames that a message shows.
LAST_FRAMES = 3
# Folders that packages are installed in, of whichever environment.
_INSTALLED = re.compile(r"[\\/](site|dist)-packages[\\/]")
# Of the program that this process runs, where it is an installed one.
_program: list[str] = []
# Where torch enters the block of a function that `@torch.no_grad()` decorates.
_DECORATED = f"torch{os.sep}utils{os.sep}_contextlib.py"
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


def own_frames(fault: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an exception's trace that lie in the user's own files, the outermost first.

    Own is what is neither Python's, nor installed, nor this package's.
    """
    return [frame for frame in traceback.extract_tb(fault.__traceback__) if is_own(frame.filename)]


def place_of(fault: BaseException) -> str:
    """`file:line` of the last frame in the user's own files; of a syntax error its own; empty where there is none."""
    if isinstance(fault, SyntaxError) and fault.filename:
        return f"{fault.filename}:{fault.lineno}"
    frames = own_frames(fault)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def place_in(trace: str) -> str:
    """The same, of a trace that was kept as text.

    Example:
        >>> place_in('Traceback ...\\n  File "/home/me/mine.py", line 7, in run\\n    ...\\nValueError: no')
        '/home/me/mine.py:7'
    """
    found = [(match["file"], match["line"]) for match in _FRAME.finditer(trace) if is_own(match["file"])]
    return f"{found[-1][0]}:{found[-1][1]}" if found else ""


def last_frames(trace: str) -> str:
    """The last frames in the user's own files, of a trace that was kept as text."""
    lines = trace.splitlines()
    own: list[str] = []
    for number, line in enumerate(lines):
        match = _FRAME.match(line)
        if match and is_own(match["file"]):
            following = lines[number + 1 : number + 2]
            own.append("\n".join([line, *(code for code in following if code.startswith("    "))]))
    return "\n".join(own[-LAST_FRAMES:])


def frames_text(fault: BaseException) -> str:
    """The last frames in the user's own files, as Python prints them; empty where there are none."""
    return "".join(traceback.format_list(own_frames(fault)[-LAST_FRAMES:])).rstrip()


def is_own(file: str) -> bool:
    """Whether a source file is the user's own: not what is installed, in this environment or another that it reaches.

    Example:
        >>> is_own("/home/me/train.py"), is_own("/usr/lib/python3/dist-packages/torch/nn/modules/linear.py")
        (True, False)
    """
    if file.startswith(tuple(_program)):
        return True
    return not file.startswith(("<", *_foreign())) and not _INSTALLED.search(file)


def is_own_class(kind: type) -> bool:
    """Whether a class is written in the user's own files.

    Example:
        >>> is_own_class(Path)
        False
    """
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return bool(file) and is_own(file)


def own_files(places: Iterable[str], kinds: Iterable[type]) -> list[str]:
    """The user's own Python files: of these places, of these classes, and of other modules that are loaded.

    Args:
        places: `file:line`, or empty.
        kinds: classes.
    """
    of_kinds = (sys.modules.get(kind.__module__) for kind in kinds)
    loaded = (getattr(module, "__file__", None) or "" for module in [*of_kinds, *list(sys.modules.values())])
    files = [*(place.rpartition(":")[0] for place in places), *loaded]
    return [file for file in dict.fromkeys(files) if file.endswith(".py") and is_own(file)][:FILES]


def counts_as_own(file: str) -> None:
    """Counts the package that a file belongs to as the user's own: it is the program that runs, though it is installed.

    Args:
        file: of the package; one that is not installed is the user's own anyway.
    """
    place = _INSTALLED.search(file)
    if place is not None:
        package = file[place.end() :].partition(os.sep)[0]
        _program.append(f"{file[: place.end()]}{package}")


def is_called_by_own() -> bool:
    """Whether who calls the function that asks is the user's own, what this package puts in between left out."""
    frame = sys._getframe(2)
    while frame.f_back is not None and _is_of_this_package(frame.f_code.co_filename):
        frame = frame.f_back
    return is_own(frame.f_code.co_filename)


def direct_line() -> str:
    """`file:line` of the user's own that calls the function that asks; empty where torch or another package does.

    What this package puts in between is left out.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_of_this_package(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if is_own(frame.f_code.co_filename) else ""


def is_in_own_line() -> bool:
    """Whether the function that asks is called by a line of the user's own, with nothing in between.

    What torch, an installed package or this one does by itself is not the user's doing, though the user called it.
    A function that a decorator of torch wraps counts as its author's; functions of the file that asks, which may stand
    around each other, are left out.
    """
    frame = asking = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == asking.f_code.co_filename:
        frame = frame.f_back
    if frame.f_code.co_filename.endswith(_DECORATED):
        wrapped = getattr(frame.f_locals.get("func"), "__code__", None)
        return wrapped is not None and is_own(wrapped.co_filename)
    return is_own(frame.f_code.co_filename)


@cache
def _is_of_this_package(file: str) -> bool:
    return file.startswith(tuple(f"{folder}/" for folder in _package()))


@cache
def _foreign() -> Sequence[str]:
    """Folders of Python, of installed packages and of this package."""
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")}
    return tuple(sorted({f"{folder}/" for folder in (*installed, *_package())}))


def _package() -> tuple[str, ...]:
    """Folders of this package; in a checkout its `search_spaces` lies beside it."""
    own = Path(__file__).resolve().parents[1]
    return str(own), str(own.parent / "search_spaces")
