"""Commands that tell of tasks: tasks, factors, claims."""

from __future__ import annotations

import json

import typer

from backtrack.cli.options import AsJson, TaskFile, TaskName, task_from

task_app = typer.Typer()


@task_app.command()
def tasks(as_json: AsJson = False) -> None:
    """List the built-in tasks."""
    from backtrack.task import builtin_tasks, load_task

    for name in builtin_tasks():
        task = load_task(name)
        if as_json:
            typer.echo(json.dumps({"task": name, "description": task.description, "factors": len(task.space.factors)}))
        else:
            typer.echo(f"{name:12} {task.description} ({len(task.space.factors)} factors)")


@task_app.command()
def factors(name: TaskName = None, task_file: TaskFile = None, as_json: AsJson = False) -> None:
    """Show a task's factors with their levels, conditions, roles, claims and sources."""
    from backtrack.vocabulary.as_json import describe_factor
    from backtrack.vocabulary.config import label
    from backtrack.vocabulary.factors import describe_levels

    for factor in task_from(name, task_file).space:
        if as_json:
            typer.echo(json.dumps(describe_factor(factor)))
            continue
        conditions = "; ".join(
            f"when {parent} is {' or '.join(label(level) for level in levels)}"
            for parent, levels in (factor.when or {}).items()
        )
        typer.echo(
            f"{factor.name}: {describe_levels(factor)}   [{factor.role}]" + (f" {conditions}" if conditions else "")
        )
        if factor.description:
            typer.echo(f"    {factor.description}")
        for claim in factor.claims:
            typer.echo(f"    claim: {claim.text} ({claim.contrast}, on {claim.on})")
            typer.echo(f"           {claim.source}")


@task_app.command()
def claims(name: TaskName = None, task_file: TaskFile = None, as_json: AsJson = False) -> None:
    """List the claims that tasks put to the test, with their contrasts and sources. Without a TASK: of all."""
    from backtrack.task import builtin_tasks, load_task

    asked = [task_from(name, task_file)] if name or task_file else [load_task(one) for one in builtin_tasks()]
    for task in asked:
        for factor in task.space:
            for claim in factor.claims:
                row = {"task": task.name, "factor": factor.name, "claim": claim.text, "contrast": claim.contrast,
                       "response": claim.on, "expect": claim.expect, "source": claim.source}  # fmt: skip
                if as_json:
                    typer.echo(json.dumps(row))
                else:
                    typer.echo(f"{task.name}: {claim.text}\n    {factor.name}: {claim.contrast}, on {claim.on}")
                    typer.echo(f"    {claim.source}")
