"""Commands beside the sweeps: doctor, sync, ui."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from backtrack.cli.options import AsJson, CpusPerTrial, GpusPerTrial, Location, Workers, resources_from
from backtrack.errors import StudyError

upkeep_app = typer.Typer()


@upkeep_app.command()
def doctor(
    study: Annotated[str, typer.Option(help="The directory that studies would go to.")] = "studies",
    workers: Workers = None,
    cpus_per_trial: CpusPerTrial = None,
    gpus_per_trial: GpusPerTrial = None,
    as_json: AsJson = False,
) -> None:
    """Look at driver, CUDA, devices, memory and disk; tell what a sweep would do here, and what stands in the way."""
    from backtrack.running.doctor import examine

    findings = examine(study, resources_from(workers, cpus_per_trial, gpus_per_trial))
    for finding in findings:
        if as_json:
            typer.echo(json.dumps(vars(finding)))
        else:
            typer.echo(f"{'ok  ' if finding.good else 'MEND'} {finding.name}: {finding.value}")
            if finding.remedy:
                typer.echo(f"       {finding.remedy}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


@upkeep_app.command()
def sync(study: Location) -> None:
    """Write to MLflow what is missing there of a study, without doubles."""
    from backtrack.records.directory import Records
    from backtrack.views import mlflow

    records = Records.open(study)
    written = mlflow.sync(records)
    typer.echo(f"{written} trials written to {mlflow.tracking_uri(records)}")


@upkeep_app.command()
def ui(
    study: Annotated[str, typer.Argument(help="The study, or a directory of studies.")] = "studies",
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.")] = 5000,
) -> None:
    """Show the MLflow UI of a study (or of all studies in a directory) on 127.0.0.1 until Ctrl-C."""
    from backtrack.records.directory import Records
    from backtrack.views.mlflow import page_of

    store = os.environ.get("MLFLOW_TRACKING_URI") or _store_of(study)
    page = page_of(Records.open(study)) if (Path(study) / "manifest.json").exists() else ""
    typer.echo(f"MLflow UI of {store}: http://127.0.0.1:{port}{page} (Ctrl-C ends it)")
    # In place of this process, so that whatever ends the command ends the server with it.
    sys.stdout.flush()
    command = [sys.executable, "-P", "-m", "mlflow", "ui", "--backend-store-uri", store]
    os.execv(sys.executable, [*command, "--host", "127.0.0.1", "--port", str(port)])


def _store_of(study: str) -> str:
    place = Path(study).expanduser().resolve()
    for folder in (place, place.parent):
        if (folder / "mlflow.db").exists():
            return f"sqlite:///{folder / 'mlflow.db'}"
    raise StudyError(
        f"there is no mlflow.db in {place} or beside it; give the directory of a study that was run with MLflow, "
        f"or run `backtrack sync {study}` first"
    )
