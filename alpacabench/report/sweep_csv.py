"""`sweep.csv`: one row per job with every figure of the comparison, for a spreadsheet or a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alpacabench.analysis.sweep.against import Against
from alpacabench.analysis.sweep.scored import ScoredSweep
from alpacabench.analysis.sweep.table import SweepRow
from alpacabench.io.manifest import JobResult
from alpacabench.report.csv_file import write_rows


def write_csv(
    path: Path, axes: Sequence[str], results: Sequence[JobResult], rows: Sequence[SweepRow], sweep: ScoredSweep,
    against: Against,
) -> Path:  # fmt: skip
    """Write the file and return its path; a figure that does not exist is empty."""
    table = [
        {"job": result.number}
        | {axis: result.params.get(axis) for axis in axes}
        | _figures(result, row, sweep, against)
        for result, row in zip(results, rows, strict=True)
    ]
    return write_rows(path, list(dict.fromkeys(key for row in table for key in row)), table, end="\r\n")


def write_pairs_csv(path: Path, results: Sequence[JobResult], against: Against) -> Path:
    """Write the joint p-value of every pair of jobs, over all pairs, and return the file's path."""
    names = {result.number: result.name for result in results}
    columns = ["job", "other_job", "name", "other_name", "metric", "p_max_t_all_pairs"]
    rows = [
        {"job": one, "other_job": other, "name": names[one], "other_name": names[other]}
        | {"metric": against.decides, "p_max_t_all_pairs": p}
        for (one, other), p in sorted(against.pairs.items())
    ]
    return write_rows(path, columns, rows, end="\r\n")


def _figures(result: JobResult, row: SweepRow, sweep: ScoredSweep, against: Against) -> dict[str, Any]:
    rate, lc = row.win_rate, row.lc
    suffix = against.lc_metric.removeprefix("length_controlled_winrate")
    return {
        "status": result.status,
        "base": result.number == against.base,
        "n_total": row.n or None,
        **({"replicates": row.replicates} if row.replicates > 1 else {}),
        "n_shared": len(sweep.scored) if rate else None,
        "win_rate": rate and rate.value,
        "win_rate_ci_low": rate and rate.low,
        "win_rate_ci_high": rate and rate.high,
        "own_win_rate": row.own_win_rate and row.own_win_rate.value,
        **_comparison(result.number, against),
        "tied_with_best": row.tied_with_best if rate else None,
        **_rank(result.number, against),
        "p_best": _p_best(result.number, sweep, against),
        against.lc_metric: lc and lc.value,
        f"lc_ci_low{suffix}": lc and lc.low,
        f"lc_ci_high{suffix}": lc and lc.high,
        **_violations(row),
        "cost_usd": row.cost_usd,
        "full_cost_usd": row.full_cost_usd,
        "seconds": row.seconds,
        "seconds_per_answer": row.seconds_per_answer,
        "identity": result.identity,
        "failure": result.failure,
        "stopped": result.stopped,
    }


def _rank(number: int, against: Against) -> dict[str, Any]:
    found = against.ranks.get(number)
    return {
        "rank": found and found.rank,
        "rank_ci_low": found and found.low,
        "rank_ci_high": found and found.high,
        "bt_strength": found and found.strength,
    }


def _comparison(number: int, against: Against) -> dict[str, Any]:
    found = against.comparisons.get(number)
    delta, lc = (found.delta, found.delta_lc) if found else (None, None)
    suffix = against.lc_metric.removeprefix("length_controlled_winrate")
    return {
        "delta_wr": delta and delta.estimate,
        "delta_wr_se": delta and delta.standard_error,
        "delta_ci_low": delta and delta.ci_low,
        "delta_ci_high": delta and delta.ci_high,
        "delta_p": delta and delta.p_value,
        "delta_p_sign_flip": delta and delta.p_sign_flip,
        "delta_se_unpaired": delta and delta.standard_error_unpaired,
        "delta_p_unpaired": found and found.p_unpaired,
        "p_holm": found and found.p_holm,
        "q_bh": found and found.q_bh,
        "p_max_t": found and found.p_max_t,
        "mde_80_paired": delta and delta.mde_80,
        "n_paired": delta and delta.n_paired,
        "rho": delta and delta.rho,
        f"delta_lc{suffix}": lc and lc.estimate,
        f"delta_lc{suffix}_ci_low": lc and lc.ci_low,
        f"delta_lc{suffix}_ci_high": lc and lc.ci_high,
    }


def _violations(row: SweepRow) -> dict[str, Any]:
    """Return what the checks found; columns that no job fills are not written."""
    figures: dict[str, Any] = {}
    for name, one in row.violations.items():
        figures |= {
            f"violation_rate/{name}": one.rate.value,
            f"n_checked/{name}": one.n,
            f"delta_violation_rate/{name}": one.difference and one.difference.estimate,
            f"delta_violation_rate_p/{name}": one.difference and one.difference.p_value,
            f"delta_violation_rate_p_holm/{name}": one.p_holm,
            f"delta_violation_rate_n/{name}": one.difference and one.difference.n_paired,
        }
    return figures


def _p_best(number: int, sweep: ScoredSweep, against: Against) -> float | None:
    numbers = [job.result.number for job in sweep.jobs]
    if against.selection is None or number not in numbers:
        return None
    return against.selection.p_best[numbers.index(number)]
