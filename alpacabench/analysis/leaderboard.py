"""Runs among the published rows, best first.

A published win rate's interval comes from its standard error. Its length-controlled win rate has none: the error that
alpaca_eval prints is 1.8 to 6 times too small, and the verdicts to compute a right one are not published with it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from alpacabench.analysis.compatible import changes, common_setting
from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.sentences import leaderboard as said
from alpacabench.core.errors import DataError, allowed
from alpacabench.judge.template import alpaca_eval_directory
from alpacabench.scoring.normal import Z_95

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable

LC = "length_controlled_winrate"
METRICS = ("win_rate", LC)
MODE = "community"
"""What alpaca_eval calls a row that it did not verify itself."""
FOLDERS = {"gpt4_1106_preview": "data_AlpacaEval_2", "text_davinci_003": "data_AlpacaEval"}
"""Where alpaca_eval keeps the published rows, by reference."""


@dataclass(frozen=True)
class Row:
    """One line of the leaderboard; rates in percent."""

    name: str
    win_rate: Estimate
    lc: Estimate | None
    own: bool
    """Whether it is a run that was given, not a published row."""
    values: Mapping[str, Any]
    """alpaca_eval's columns."""

    def by(self, metric: str) -> Estimate | None:
        """Return the rate to rank by."""
        return self.win_rate if metric == "win_rate" else self.lc


@dataclass(frozen=True)
class Place:
    """Where a row stands among all rows of the leaderboard, published ones and runs."""

    row: Row
    rank: int
    best: int
    worst: int
    """Ranks at the ends of its 95% interval."""
    n: int
    """Rows of the leaderboard."""

    def __str__(self) -> str:
        """Return 'place 12 (10 to 15) of 225'."""
        return said.place(said.Standing(self.row.name, self.rank, self.best, self.worst, self.n))


@dataclass(frozen=True)
class Leaderboard:
    """Published rows and runs, best first."""

    judge: str
    reference: str
    metric: str
    """What it is sorted by."""
    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    """Of the rows, in their order: the one source of every place that is shown."""
    notes: tuple[str, ...]


def build(runs: Sequence[FinishedRun], table: DifficultyTable | None = None, metric: str | None = None) -> Leaderboard:
    """Place runs among the published rows of their judge and reference.

    Args:
        runs: of one judge and reference.
        table: prompt difficulties, for the length-controlled win rate.
        metric: what to sort by; by default the length-controlled win rate where every run has it.

    Raises:
        DataError: several judges or references, none published for them, a judge that only shares the label of a
            published one, or a run without the metric or without any verdict.

    """
    judge, reference = common_setting(runs)
    theirs = published(judge, reference)
    for run in runs:
        _require_published_judge(run)
    own = [_own_row(run, table) for run in runs]
    metric = metric or (LC if all(row.lc for row in own) and any(row.lc for row in theirs) else "win_rate")
    missing = [row.name for row in own if row.by(metric) is None]
    if missing:
        raise DataError(
            f"--by: {metric} is not known for {', '.join(missing)}\n"
            "    give --lc-data and --dataset, or use --by win_rate"
        )
    ranked = sorted([row for row in theirs if row.by(metric)] + own, key=lambda row: -_value(row, metric))
    most = max(int(row.values.get("n_total") or 0) for row in theirs)
    notes = [
        note
        for row, run in zip(own, runs, strict=True)
        for note in said.notes(said.Judged(row.name, row.values["n_total"], most, not run.judge_content))
    ]
    places = tuple(_place(row, metric, ranked) for row in ranked)
    return Leaderboard(judge, reference, metric, tuple(ranked), places, tuple(notes))


def published(judge: str, reference: str) -> list[Row]:
    """Return the published rows of a judge and reference, from the installed alpaca_eval, which is not imported.

    Raises:
        DataError: alpaca_eval is not installed, or it ships no rows for them.

    """
    try:
        package = alpaca_eval_directory()
    except ModuleNotFoundError as error:
        missing = "alpaca_eval ships the published rows and is not installed: pip install alpaca-eval==0.6.6"
        raise DataError(missing) from error
    if reference not in FOLDERS:
        raise DataError(
            f"no published rows have the reference '{reference}'; {allowed(reference, list(FOLDERS))}\n"
            "    a run against other references has no place among them"
        )
    folder = package / "leaderboards" / FOLDERS[reference]
    path = folder / f"{judge}_leaderboard.csv"
    if not path.is_file():
        judges = sorted(file.name.removesuffix("_leaderboard.csv") for file in folder.glob("*_leaderboard.csv"))
        raise DataError(
            f"no published rows have the judge '{judge}' (reference {reference}); {allowed(judge, judges)}\n"
            "    win rates of other judges cannot be compared with them"
        )
    with path.open(encoding="utf-8", newline="") as file:
        return [_published_row(row) for row in csv.DictReader(file)]


def _require_published_judge(run: FinishedRun) -> None:
    """Refuse a run whose judge has the label of a published one, and another model or prompt."""
    from alpacabench.judge.alpaca_eval import AlpacaEvalAnnotator
    from alpacabench.judge.annotator import annotators

    if not run.judge_content or run.judge not in annotators():
        return
    shipped = AlpacaEvalAnnotator.model_validate({"annotator": run.judge}).content()
    theirs, ours = (
        {"model": content.get("identity", {}).get("model"), "prompt": content.get("prompt")}
        for content in (shipped, run.judge_content)
    )
    for key, one, other in changes(theirs, ours, "judge"):
        raise DataError(
            f"{run.origin} has another judge than the published rows of '{run.judge}':\n"
            f"  - {key}: {one} published, {other} in {run.origin}\n    give a judge of your own a label of its own"
        )


def _published_row(row: dict[str, str]) -> Row:
    rate, error = float(row["win_rate"]), float(row["standard_error"])
    lc = row.get(LC)
    return Row(
        name=row[""],
        win_rate=Estimate(rate, max(0.0, rate - Z_95 * error), min(100.0, rate + Z_95 * error)),
        lc=Estimate(float(lc)) if lc else None,
        own=False,
        values={**row, "n_total": int(float(row["n_total"]))},
    )


def _own_row(run: FinishedRun, table: DifficultyTable | None) -> Row:
    from alpacabench.analysis.length_fits import fit_runs
    from alpacabench.scoring.win_rate import score_win_rate

    rate = score_win_rate(run.preferences)
    if not rate.n_total:
        raise DataError(
            f"{run.origin} has no verdict, and so no place\n    its report says why its verdicts are missing"
        )
    lengths = [item.length for item in run.items.values() if item.length is not None]
    values = asdict(rate) | {"mode": MODE, "avg_length": int(sum(lengths) / len(lengths)) if lengths else ""}
    lc, fitted = None, fit_runs([run], table)
    if fitted.metric == LC and fitted.fits:
        fit = fitted.fits[0]
        lc, values = Estimate(fit.value, fit.ci_low, fit.ci_high), values | fit.metrics()
    elif LC in run.metrics:
        stored = run.metrics
        lc = Estimate(stored[LC], stored.get("lc_ci_low"), stored.get("lc_ci_high"))
        values |= {name: stored[name] for name in (LC, "lc_standard_error") if name in stored}
    return Row(run.name, Estimate(rate.win_rate, rate.win_rate_ci_low, rate.win_rate_ci_high), lc, True, values)


def _value(row: Row, metric: str) -> float:
    estimate = row.by(metric)
    return estimate.value if estimate else float("-inf")


def _place(row: Row, metric: str, rows: Sequence[Row]) -> Place:
    rates = [_value(other, metric) for other in rows if other is not row]
    estimate = row.by(metric)
    value, low, high = (estimate.value, *(estimate.interval or (estimate.value,) * 2)) if estimate else (0.0, 0.0, 0.0)
    rank, best, worst = (1 + sum(rate > end for rate in rates) for end in (value, high, low))
    return Place(row, rank, best, worst, len(rows))
