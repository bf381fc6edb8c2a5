"""What one trial of a study said: its error, its checks, its output."""

from __future__ import annotations

import json

import typer

from backtrack.errors import StudyError


def show_run(study: str, trial: str, as_json: bool) -> None:
    """Prints the error with the last lines of the user's own code, the checks and the output of each replicate.

    Args:
        study: its directory.
        trial: of it.
        as_json: whether as one JSON object a replicate.

    Raises:
        StudyError: where the study has no such trial.
    """
    from backtrack.records.directory import Records, log_name
    from backtrack.vocabulary.crashes import message_in
    from backtrack.vocabulary.places import last_frames

    records = Records.open(study)
    rows = [row for row in records.trials().to_pylist() if row["trial"] == trial]
    if not rows:
        raise StudyError(f"{study} has no trial {trial!r}; the report's last table lists all, such as screen-00000")
    for row in rows:
        name = log_name(trial, row["replicate"])
        output = records.read(name).decode(errors="replace") if records.has(name) else ""
        if as_json:
            fields = {
                key: row[key] for key in ("trial", "replicate", "seed", "outcome", "value", "error", "error_place")
            }
            typer.echo(json.dumps({**fields, "findings": row["findings"], "output": output}))
            continue
        value = "" if row["value"] is None else f", {row['value']:.4g}"
        typer.echo(f"{trial}, seed {row['seed']}: {row['outcome']}{value}")
        if row["error"]:
            frames = last_frames(row["error"])
            typer.echo((f"{frames}\n" if frames else "") + message_in(row["error"]))
        for found in row["findings"] or ():
            typer.echo(f"check {found['check']} ({found['weight']}) at {found['place']}: {found['measured']}")
        if output:
            typer.echo(f"\n{output}")
