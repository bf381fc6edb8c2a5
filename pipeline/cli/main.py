"""The command line: a thin skin over the Python functions of the same names.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from backtrack.cli.analyse_commands import analyse_app
from backtrack.cli.checkup_commands import checkup_app
from backtrack.cli.cluster_commands import cluster_app
from backtrack.cli.living_commands import living_app
from backtrack.cli.script_commands import script_app
from backtrack.cli.sweep_commands import sweep_app
from backtrack.cli.task_commands import task_app
from backtrack.cli.upkeep_commands import upkeep_app
from backtrack.errors import BacktrackError

app = typer.Typer(
    name="backtrack",
    help="Find out why a model does not train, or why it trains better: sweeps that explain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _common(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the whole trace of an error. May stand anywhere in the command.")
    ] = False,
) -> None:
    """Options of every command."""


app.add_typer(sweep_app)
app.add_typer(checkup_app)
app.add_typer(analyse_app)
app.add_typer(living_app)
app.add_typer(script_app)


app.add_typer(task_app)
app.add_typer(upkeep_app)
app.add_typer(cluster_app)


def main() -> None:
    """Entry point: one paragraph for a fault that we know, the trace with `--debug`, wherever that stands."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(arguments)
    except BacktrackError as fault:
        if debug:
            raise
        if os.environ.get("BACKTRACK_TRACE"):
            # A job's log is read by somebody who cannot ask again with --debug.
            traceback.print_exc()
        _fail(str(fault), fault.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; what had finished is recorded", 130)


def _fail(message: str, code: int = 2) -> NoReturn:
    typer.echo(f"backtrack: {message}", err=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
