"""Tables of real runs as judges: are the factors found that matter in all runs of a table, from a few of them?

    python benchmarks/real_tables.py --data DIRECTORY [--runs 60,120,240] [--sets 94] [--null 500]

The directory holds `random_forest.parquet` and `lcbench.parquet` (docs/evidence.md says where they come from). All runs
of a table tell its truth: the share of the variance that each factor takes part in, by itself and with others. From N
runs drawn at random it prints, for the analysis, for plain F-tests, and for Optuna's importance tools: how often the
first factor is the right one, the recall of factors with more than 5 % of the variance, inert ones (under 1 %) among
those called active, and how often an inert one comes before one that is active. An importance tool decides nothing: its
first k count, k being the number of factors over 5 %. With --null, the columns of factors are shuffled against the
responses, so that nothing is true; and responses are drawn that have heavy tails, with and without one true pair.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import optuna
import pyarrow.parquet as pq
from optuna.importance import (
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
)
from scipy import stats
from sklearn.ensemble import RandomForestRegressor

from backtrack import Categorical, Numeric, SearchSpace
from backtrack.evidence.analysis import analyse
from backtrack.evidence.statistics.multiple import holm
from backtrack.records.rows import CURVES, trial_rows
from backtrack.vocabulary.config import Config
from backtrack.vocabulary.factors import Factor
from backtrack.vocabulary.plan import FinishedTrial, PlannedTrial
from backtrack.vocabulary.result import RunResult

# Shares of a table's variance above which a factor counts as active, and below which as inert.
ACTIVE, INERT = 0.05, 0.01
TOOLS = ("fANOVA", "MDI", "PED-ANOVA", "fANOVA after TPE", "MDI after TPE", "PED-ANOVA after TPE")
# A column of numbers with more values than this is a scale.
MOST_LEVELS = 8
TABLES = {"random_forest": ("task_id", "predictive_accuracy"), "lcbench": ("dataset", "val_cross_entropy_52")}
NULLS = ("real", "t with 2 degrees", "lognormal", "disasters")


@dataclass(frozen=True)
class Table:
    """The runs of one data set: a space, a config and a number for each run; more of the number is better."""

    name: str
    space: SearchSpace
    configs: list[Config]
    values: np.ndarray

    def rows(self, keep: np.ndarray) -> Table:
        """Some of its runs."""
        return Table(self.name, self.space, [self.configs[i] for i in keep], self.values[keep])


@dataclass
class Tally:
    """Counts of one method over tables."""

    sets: int = 0
    first: int = 0
    active: int = 0
    found: int = 0
    called: int = 0
    inert_called: int = 0
    inverted: int = 0

    def add(self, order: Sequence[str], called: Sequence[str], shares: dict[str, float]) -> None:
        """Counts one ranking, and what it calls active."""
        active = {name for name, share in shares.items() if share > ACTIVE}
        inert = {name for name, share in shares.items() if share < INERT}
        places = {name: place for place, name in enumerate(order)}
        self.sets += 1
        self.first += order[0] == max(shares, key=lambda name: shares[name])
        self.active += len(active)
        self.found += len(active & set(called))
        self.called += len(called)
        self.inert_called += len(inert & set(called))
        self.inverted += any(places[bad] < places[good] for bad in inert for good in active)

    def cells(self) -> list[str]:
        """The line of the table."""
        return [
            f"{self.first / self.sets:.2f}",
            f"{self.found / max(1, self.active):.2f}",
            f"{self.inert_called / max(1, self.called):.3f}",
            f"{self.inverted / self.sets:.2f}",
        ]


def tables_of(file: Path, by: str, response: str) -> list[Table]:
    """Every data set of a file as a table; columns that never change, and other responses, are left out."""
    whole = pq.read_table(file).to_pandas()
    left_out = [c for c in whole.columns if c.startswith(("val_", "seconds", "predictive_")) or c == by]
    found = []
    for name, group in whole.groupby(by):
        if group[response].nunique() < 2:
            # Every run reached the same: there is nothing to explain.
            continue
        columns = {c: group[c].to_list() for c in whole.columns if c not in left_out and group[c].nunique() > 1}
        space = SearchSpace(tuple(_factor(column, values) for column, values in columns.items()))
        configs = [Config({c: _level(values[i]) for c, values in columns.items()}) for i in range(len(group))]
        sign = -1.0 if "entropy" in response else 1.0
        found.append(Table(str(name), space, configs, sign * group[response].to_numpy(float)))
    return found


def _factor(name: str, values: list[object]) -> Factor:
    levels = sorted({_level(value) for value in values}, key=str)
    numbers = [float(level) for level in levels if isinstance(level, (int, float)) and not isinstance(level, bool)]
    if len(numbers) == len(levels) > MOST_LEVELS:
        low, high = min(numbers), max(numbers)
        whole = all(number.is_integer() for number in numbers)
        return Numeric(name, low, high, log=low > 0 and high / low > 100, integer=whole)
    return Categorical(name, levels)


def _level(value: object) -> str | int | float | bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value)


def shares_of(table: Table) -> dict[str, float]:
    """Of the variance of all runs, what each factor takes part in, by itself and with others (its total index).

    A forest of all runs stands for the table; shuffling a factor's column changes what it predicts by twice that
    variance (Sobol, Saltelli).
    """
    columns, owners = _columns(table)
    forest = RandomForestRegressor(200, min_samples_leaf=3, max_features=0.7, random_state=0)
    base = forest.fit(columns, table.values).predict(columns)
    rng = np.random.default_rng(0)
    found = {}
    for factor in table.space:
        own = [number for number, owner in enumerate(owners) if owner == factor.name]
        changes = []
        for _ in range(8):
            shuffled = columns.copy()
            shuffled[:, own] = columns[np.ix_(rng.permutation(len(columns)), own)]
            changes.append(((forest.predict(shuffled) - base) ** 2).mean() / 2)
        found[factor.name] = float(np.mean(changes) / table.values.var())
    return found


def _columns(table: Table) -> tuple[np.ndarray, list[str]]:
    """Every factor as numbers: its share of its scale, or a column for each level; and whose each column is."""
    columns, owners = [], []
    for factor in table.space:
        levels = [config[factor.name] for config in table.configs]
        if isinstance(factor, Numeric):
            columns.append([factor.share(float(level)) for level in levels])
            owners.append(factor.name)
        else:
            columns += [[float(level == own) for level in levels] for own in factor.levels]
            owners += [factor.name] * len(factor.levels)
    return np.array(columns).T, owners


def by_f_tests(table: Table, alpha: float = 0.05) -> tuple[list[str], list[str]]:
    """Factors by the p-value of an ordinary F-test each, and those that Holm leaves below alpha."""
    columns, owners = _columns(table)
    names = [factor.name for factor in table.space]
    squares = [columns[:, [i]] ** 2 for i, owner in enumerate(owners) if isinstance(table.space[owner], Numeric)]
    whole = np.hstack([np.ones((len(columns), 1)), columns, *squares])
    whose = ["", *owners, *(owner for owner in owners if isinstance(table.space[owner], Numeric))]

    def residuals(keep: list[int]) -> tuple[float, int]:
        fitted, _, rank, _ = np.linalg.lstsq(whole[:, keep], table.values, rcond=None)
        return float(((table.values - whole[:, keep] @ fitted) ** 2).sum()), int(rank)

    full, rank = residuals(list(range(len(whose))))
    p = {}
    for name in names:
        less, smaller = residuals([number for number, owner in enumerate(whose) if owner != name])
        freedom = max(1, len(table.values) - rank)
        ratio = ((less - full) / max(1, rank - smaller)) / max(full / freedom, 1e-300)
        p[name] = float(stats.f.sf(ratio, max(1, rank - smaller), freedom))
    order = sorted(names, key=lambda name: p[name])
    adjusted = dict(zip(names, holm([p[name] for name in names]), strict=True))
    return order, [name for name in order if adjusted[name] < alpha]


def finished_of(table: Table) -> list[FinishedTrial]:
    """Its runs as a screen's."""
    return [
        FinishedTrial(
            PlannedTrial(f"screen-{number:05d}", "screen", config, (0,)),
            (
                RunResult(
                    seed=0,
                    outcome="ok",
                    value=float(value),
                    epochs=0,
                    seconds=0.0,
                    warmup_seconds=0.0,
                    peak_memory=0,
                    chance=None,
                    device="",
                    error="",
                ),
            ),
            1,
            "",
            0.0,
        )
        for number, (config, value) in enumerate(zip(table.configs, table.values, strict=True))
    ]


def judged(table: Table) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Factors from the surest to the least sure, those called active, and pairs called active."""
    trials = trial_rows(table.space, *finished_of(table))
    gain = analyse(table.space, trials, CURVES.empty_table(), "value", "max").responses["gain"]
    shares = gain.shares
    # Of those that are shown the largest first; of the others the surest.
    order = sorted(
        gain.factors,
        key=lambda one: (
            (0, -np.nan_to_num(shares[one.factor.name]))
            if one.verdict == "active"
            else (1, np.nan_to_num(one.p, nan=1))
        ),
    )
    active = [effect.factor.name for effect in gain.factors if effect.verdict == "active"]
    pairs = [(pair.factor_a, pair.factor_b) for pair in gain.interactions if pair.verdict == "active"]
    ranked = [effect.factor.name for effect in order]
    # Where a draw holds one value only, nothing is ranked.
    return ranked + [factor.name for factor in table.space if factor.name not in ranked], active, pairs


def importances(table: Table) -> dict[str, list[str]]:
    """Each tool's ranking of the same runs."""
    distributions = {factor.name: _distribution(factor) for factor in table.space}
    study = optuna.create_study(direction="maximize")
    for config, value in zip(table.configs, table.values, strict=True):
        study.add_trial(optuna.trial.create_trial(params=dict(config), distributions=distributions, value=float(value)))
    evaluators = (
        FanovaImportanceEvaluator(seed=0),
        MeanDecreaseImpurityImportanceEvaluator(seed=0),
        PedAnovaImportanceEvaluator(),
    )
    names = list(distributions)
    found = {}
    for tool, evaluator in zip(TOOLS, evaluators, strict=False):
        params = None if tool == "PED-ANOVA" else names
        scores = optuna.importance.get_param_importances(study, evaluator=evaluator, params=params)
        found[tool] = sorted(names, key=lambda name: -scores.get(name, 0.0))
    return found


def _distribution(factor: Factor) -> optuna.distributions.BaseDistribution:
    if isinstance(factor, Numeric):
        if factor.integer:
            return optuna.distributions.IntDistribution(int(factor.low), int(factor.high), log=factor.log)
        return optuna.distributions.FloatDistribution(factor.low, factor.high, log=factor.log)
    return optuna.distributions.CategoricalDistribution(tuple(factor.levels))


def searched(table: Table, runs: int, seed: int) -> Table:
    """A TPE search of `runs` trials; each suggestion is answered by the nearest run that it has not had yet."""
    columns = np.array([[_place(factor, config[factor.name]) for factor in table.space] for config in table.configs])
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)
    )
    distributions = {factor.name: _distribution(factor) for factor in table.space}
    had: list[int] = []
    for _ in range(runs):
        asked = study.ask(distributions)
        point = np.array([_place(factor, asked.params[factor.name]) for factor in table.space])
        distance = ((columns - point) ** 2).sum(1)
        distance[had] = np.inf
        number = int(np.argmin(distance))
        had.append(number)
        study.tell(asked, float(table.values[number]))
    return table.rows(np.array(had))


def _place(factor: Factor, level: object) -> float:
    if isinstance(factor, Numeric):
        return factor.share(float(level))  # type: ignore[arg-type]
    return 2.0 * list(factor.levels).index(level)  # type: ignore[arg-type]


def one_set(table: Table, runs: int, seed: int, k: int, tools: bool) -> dict[str, tuple[list[str], list[str]]]:
    """`{method: (ranking, called active)}` for N random runs of one table."""
    _quiet()
    drawn = table.rows(np.random.default_rng([seed, runs]).choice(len(table.values), runs, replace=False))
    order, called, _ = judged(drawn)
    found = {"Backtrack": (order, called), "F-tests, Holm": by_f_tests(drawn)}
    if tools:
        rankings = importances(drawn)
        after = importances(searched(table, runs, seed))
        rankings.update({f"{tool} after TPE": order for tool, order in after.items()})
        found.update({tool: (order, order[:k]) for tool, order in rankings.items()})
    return found


def false_one(table: Table, runs: int, seed: int, kind: str, true_pair: bool) -> bool:
    """Whether a sweep where nothing is true (or one pair) has a false factor or pair."""
    _quiet()
    rng = np.random.default_rng([seed, runs, NULLS.index(kind)])
    drawn = table.rows(rng.choice(len(table.values), runs, replace=False))
    if kind == "real":
        values = rng.permutation(drawn.values)
    elif kind == "t with 2 degrees":
        values = rng.standard_t(2, runs)
    elif kind == "lognormal":
        values = -rng.lognormal(0, 1, runs)
    else:
        values = rng.normal(0, 1, runs) - np.where(rng.random(runs) < 0.08, rng.uniform(5, 20, runs), 0)
    allowed: set[str] = set()
    if true_pair:
        a, b = (factor for factor in list(table.space)[:2])
        inside = np.array([_upper(a, c) and _upper(b, c) for c in drawn.configs])
        values = values - inside * 10 * np.subtract(*np.quantile(values, [0.75, 0.25]))
        allowed = {a.name, b.name}
    _, called, pairs = judged(Table(table.name, table.space, drawn.configs, np.asarray(values, float)))
    return bool(set(called) - allowed) or any(set(pair) - allowed for pair in pairs)


def _upper(factor: Factor, config: Config) -> bool:
    """Whether a config has the last level of a factor, or lies in the upper third of its scale."""
    level = config[factor.name]
    if isinstance(factor, Numeric):
        return factor.share(float(level)) > 2 / 3
    return level == factor.levels[-1]  # type: ignore[union-attr]


def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore")


def _row(cells: Sequence[object]) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", default="60,120,240")
    parser.add_argument("--sets", type=int, default=94, help="data sets of each table at most")
    parser.add_argument("--null", type=int, default=0, help="sweeps where nothing is true, of each kind")
    parser.add_argument("--no-tools", action="store_true", help="leave the importance tools out")
    arguments = parser.parse_args()
    counts = list(map(int, arguments.runs.split(",")))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for name, (by, response) in TABLES.items():
            tables = tables_of(arguments.data / f"{name}.parquet", by, response)[: arguments.sets]
            if arguments.null:
                print_null(pool, name, tables, [n for n in counts if n <= 120], arguments.null)
                continue
            print(f"\n{name}, {response}, {len(tables)} data sets\n")
            _row(["runs", "method", "first factor right", "recall", "inert of called", "inert before active"])
            _row(["---"] * 6)
            shares = list(pool.map(shares_of, tables))
            ks = [sum(share > ACTIVE for share in truth.values()) for truth in shares]
            for runs in counts:
                tallies: dict[str, Tally] = {}
                seeds = range(len(tables))
                every = pool.map(one_set, tables, repeat(runs), seeds, ks, repeat(not arguments.no_tools))
                for found, truth in zip(every, shares, strict=True):
                    for method, (order, called) in found.items():
                        tallies.setdefault(method, Tally()).add(order, called, truth)
                for method, tally in tallies.items():
                    _row([runs, method, *tally.cells()])


def print_null(pool: ProcessPoolExecutor, name: str, tables: list[Table], counts: list[int], sweeps: int) -> None:
    """The share of sweeps with a false factor or pair."""
    print(f"\n{name}: sweeps with a false factor or pair\n")
    _row(["runs", "response", "nothing is true", "one true pair"])
    _row(["---"] * 4)
    for runs in counts:
        for kind in NULLS:
            cells = []
            for true_pair in (False, True):
                chosen = [tables[number % len(tables)] for number in range(sweeps)]
                wrong = pool.map(
                    false_one, chosen, repeat(runs), range(sweeps), repeat(kind), repeat(true_pair), chunksize=8
                )
                cells.append(f"{sum(wrong) / sweeps:.3f}")
            _row([runs, kind, *cells])


if __name__ == "__main__":
    main()
