"""Factors as plain JSON values and back: for the manifest and for `--json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtrack.errors import SpaceError
from backtrack.vocabulary.factors import Categorical, Claim, Composite, Factor, Numeric


def describe_factor(factor: Factor) -> dict[str, Any]:
    """A factor as plain JSON values, for the manifest and `--json`; it holds what `factor_from` needs."""
    kind = type(factor).__name__.lower()
    fields: dict[str, Any] = {"name": factor.name, "kind": kind, "role": factor.role}
    if isinstance(factor, Numeric):
        fields |= {"low": factor.low, "high": factor.high, "log": factor.log, "integer": factor.integer}
    elif isinstance(factor, Composite):
        fields["levels"] = {name: dict(parts) for name, parts in factor.levels.items()}
        fields["extra"] = {name: list(values) for name, values in (factor.extra or {}).items()}
    else:
        fields["levels"] = list(factor.levels)
    fields["when"] = {name: list(levels) for name, levels in (factor.when or {}).items()}
    fields["description"] = factor.description
    if factor.was is not None:
        fields["was"] = factor.was
    fields["claims"] = [
        {
            "text": claim.text,
            "source": claim.source,
            "level": claim.level,
            "against": claim.against,
            "response": claim.response,
            "expect": claim.expect,
            "where": dict(claim.where),
            "of": claim.of,
        }
        for claim in factor.claims
    ]
    return fields


def factor_from(fields: Mapping[str, Any]) -> Factor:
    """The inverse of `describe_factor`.

    Raises:
        SpaceError: where the description is of no known kind.
    """
    kinds: dict[str, Any] = {"categorical": Categorical, "numeric": Numeric, "composite": Composite}
    arguments = dict(fields)
    kind = arguments.pop("kind", None)
    if kind not in kinds:
        raise SpaceError(f"unknown kind of factor {kind!r}; expected one of {sorted(kinds)}")
    arguments["claims"] = tuple(Claim(**claim) for claim in arguments.get("claims", ()))
    arguments["when"] = arguments.get("when") or None
    factor: Factor = kinds[kind](**arguments)
    return factor
