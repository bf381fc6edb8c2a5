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

from backtrack.task.entry import source_behind
from backtrack.task.length import lengthened
from backtrack.task.program_options import with_constants
from backtrack.task.stopping import unstopped
from backtrack.vocabulary.outcomes import of_exception
from backtrack.vocabulary.places import counts_as_own, place_of
from backtrack.watch import channel


def run_program(request: Mapping[str, Any]) -> int:
    """Runs the program of a request to its end, and returns the exit status.

    Args:
        request: `script` or `module`, `arguments`, `constants`, `directory`, `seed` (None where the program takes its
            own), `watched`, `looked`, `changes`, `anatomy`, `shifted` (what is added to the program's own seeds),
            `times` (how many times as long its loops over epochs are), `stops` (whether what leaves these early does).
    """
    os.chdir(request["directory"] or ".")
    # As Python does: the script's folder comes first; for a module it is the working directory.
    first = str(Path(request["script"]).resolve().parent if request["script"] else Path.cwd())
    sys.path[:] = [first, *(place for place in sys.path if place not in ("", first))]
    importlib.invalidate_caches()
    script = request["script"] or _module_file(request["module"])
    if not script.endswith(".py"):
        counts_as_own(str(source_behind(Path(script), "", Path.cwd()) or script))
    elif request["module"]:
        counts_as_own(script)
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
        _intervene(request)
        if request["shifted"]:
            shift_seeds(int(request["shifted"]))
        if request["seed"] is not None:
            seed_everything(int(request["seed"]))
        exec(compile(_tree(script, request), script, "exec"), main.__dict__)
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


def _intervene(request: Mapping[str, Any]) -> None:
    """Applies interventions after the ears are on, so that these hear what comes of them."""
    if request["changes"]:
        from backtrack.trial.intervening.applying import apply_when_imported

        apply_when_imported(request["changes"], request["anatomy"])
    elif request["looked"] is not None:
        from backtrack.trial.intervening.applying import look_when_imported

        look_when_imported(request["looked"], lambda found: channel.tell("anatomy", found=found))


def seed_everything(seed: int) -> None:
    """Seeds the random numbers of Python, and of NumPy and torch where they are loaded (or once they are)."""
    from backtrack.watch.imported import when_imported

    random.seed(seed)
    when_imported("numpy", lambda numpy: numpy.random.seed(seed % 2**32))
    when_imported("torch", lambda torch: torch.manual_seed(seed))


def _tree(script: str, request: Mapping[str, Any]) -> ast.Module:
    """The program, with what a request changes in its source."""
    tree = ast.parse(Path(script).read_bytes(), filename=script)
    if request["constants"]:
        tree = with_constants(tree, dict(request["constants"]))
    if request["times"] != 1:
        tree = lengthened(tree, request["times"])
    return tree if request["stops"] else unstopped(tree)


def shift_seeds(by: int) -> None:
    """Lets a program that sets a seed of its own start from another one: else its runs would all be the same.

    Args:
        by: added to every whole number that the program seeds Python, NumPy or torch with; 0 changes nothing.
    """
    from backtrack.watch.imported import when_imported

    def shift(owner: Any, name: str) -> None:
        own = getattr(owner, name)
        setattr(owner, name, lambda seed=None, *rest: own(seed + by if isinstance(seed, int) else seed, *rest))

    shift(random, "seed")
    when_imported("numpy", lambda numpy: shift(numpy.random, "seed"))
    when_imported("torch", lambda torch: shift(torch, "manual_seed"))


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
