"""Runs a Python program in this process as `python program.py` would, seeded and watched.

Started by `backtrack.trial.warm` in a forked child, or as `python -m backtrack.trial.launch REQUEST` where nothing can
be forked.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import random
import sys
import traceback
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backtrack.task.program_options import with_constants
from backtrack.vocabulary.outcomes import of_exception
from backtrack.vocabulary.places import place_of
from backtrack.watch import channel


def run_program(request: Mapping[str, Any]) -> int:
    """Runs the program of a request to its end, and returns the exit status.

    Args:
        request: `script` or `module`, `arguments`, `constants`, `directory`, `seed` (None where the program takes its
            own), `watched`.
    """
    os.chdir(request["directory"] or ".")
    # As Python does: the script's folder comes first; for a module it is the working directory.
    first = str(Path(request["script"]).resolve().parent if request["script"] else Path.cwd())
    sys.path[:] = [first, *(place for place in sys.path if place not in ("", first))]
    importlib.invalidate_caches()
    script = request["script"] or _module_file(request["module"])
    sys.argv = [script, *request["arguments"]]
    main = types.ModuleType("__main__")
    main.__file__ = script
    main.__builtins__ = __builtins__  # type: ignore[attr-defined]
    if request["module"]:
        package = request["module"] if script.endswith("__main__.py") else request["module"].rpartition(".")[0]
        main.__package__ = package
    sys.modules["__main__"] = main
    try:
        if request["watched"]:
            from backtrack.integrations.loggers import install
            from backtrack.watch.listening import listen

            listen()
            install()
        if request["seed"] is not None:
            seed_everything(int(request["seed"]))
        code = compile(_tree(script, request["constants"]), script, "exec")
        exec(code, main.__dict__)
        _run_at_exit()
    except SystemExit as end:
        _run_at_exit()
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as fault:
        _told(fault)
        return 1
    return 0


def seed_everything(seed: int) -> None:
    """Seeds the random numbers of Python, and of NumPy and torch where they are loaded (or once they are)."""
    from backtrack.watch.imported import when_imported

    random.seed(seed)
    when_imported("numpy", lambda numpy: numpy.random.seed(seed % 2**32))
    when_imported("torch", lambda torch: torch.manual_seed(seed))


def _tree(script: str, constants: Mapping[str, Any]) -> ast.Module:
    tree = ast.parse(Path(script).read_bytes(), filename=script)
    return with_constants(tree, dict(constants)) if constants else tree


def _module_file(module: str) -> str:
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{module}.__main__")
    if spec is None or spec.origin is None:
        raise SystemExit(f"No module named {module}")
    return spec.origin


def _run_at_exit() -> None:
    """What the program wanted done at its end, and what the watch has left to say."""
    import atexit
    import threading

    # As an ending Python does: threads that are no daemons come to their end first.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()


def _told(fault: BaseException) -> None:
    """Prints the trace without the frames that started the program, and tells it to whoever listens."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(fault), fault, trace))
    sys.stdout.flush()
    sys.stderr.write(text)
    outcome = of_exception(fault) if isinstance(fault, Exception) else "crashed"
    channel.tell("crash", outcome=outcome, error=text, place=place_of(fault))
    _run_at_exit()


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text())
    status = run_program(asked)
    sys.stdout.flush()
    sys.exit(status)
