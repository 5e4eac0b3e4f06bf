"""The figures of an ablation under their MLflow names; shares are in [0, 1], rates and differences in points."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

import numpy as np

from alpacabench.analysis.ablation.table import AblationTable, VariantRow
from alpacabench.analysis.estimate import Estimate, finite


def metrics(table: AblationTable) -> dict[str, float]:
    """Return every finite figure; those of one variant are named `figure/variant`."""
    return {name: float(value) for name, value in _figures(table) if finite(value)}


def _figures(table: AblationTable) -> Iterator[tuple[str, float | None]]:
    rows = [row for family in table.robustness_families for row in family.rows]
    yield "n_variants", len(table.rows)
    yield "n_floors", len(table.floors)
    yield "saturated", float(bool(table.saturated))
    if table.saturated:
        return
    yield "n_sensitive_families", sum(family.sensitive for family in table.robustness_families)
    yield from _spread(table)
    if table.floor_flip_rate:
        yield "floor_flip_rate", table.floor_flip_rate.value / 100
        yield "floor_delta_wr", table.floor_shift
    if rows:
        yield "flip_rate", fmean(row.flip_rate.value for row in rows) / 100
        yield "excess_flip", _mean_share([row.excess_flip.value if row.excess_flip else None for row in rows])
        yield "unchanged_share", _mean_share([row.unchanged_share for row in rows])
        yield "edit_ratio_mean", _mean([row.edit_ratio_mean for row in rows])
        for name, quantile in (("p5", 0.05), ("median", 0.5), ("p95", 0.95)):
            yield f"variant_win_rate_{name}", float(np.quantile([row.win_rate.value for row in rows], quantile))
    for row in (*table.rows, *table.floors):
        yield from ((f"{name}/{row.name}", value) for name, value in _of_variant(row, table.margin))
    for family in table.families:
        yield f"slope/{family.name}", family.dose.slope.value if family.dose else None


def _spread(table: AblationTable) -> Iterator[tuple[str, float | None]]:
    if table.spread is None:
        return
    yield "k", table.spread.k
    for found in table.spread.statistics:
        for prefix, estimate in (("", found.wordings), ("floor_", found.decodes), ("excess_", found.excess)):
            yield from _interval(prefix + found.name, estimate)
    yield "pss_max", table.spread.pss_max
    yield from _interval("robustness", table.spread.robustness)


def _interval(name: str, estimate: Estimate | None) -> Iterator[tuple[str, float | None]]:
    if estimate:
        yield name, estimate.value
        yield f"{name}_ci_low", estimate.low
        yield f"{name}_ci_high", estimate.high


def _of_variant(row: VariantRow, margin: float) -> Iterator[tuple[str, float | None]]:
    yield from _interval("delta_wr", row.delta_wr)
    yield (
        "delta_lc" + row.lc_name.removeprefix("length_controlled_winrate"),
        row.delta_lc.value if row.delta_lc else None,
    )
    yield "delta_len_ratio", row.delta_len_ratio
    yield "n_paired", row.n
    yield "flip_rate", row.flip_rate.value / 100
    yield "win_to_loss", row.n_win_to_loss / row.n
    yield "loss_to_win", row.n_loss_to_win / row.n
    yield "mcnemar_p", row.mcnemar_p
    yield "excess_flip", row.excess_flip.value / 100 if row.excess_flip else None
    yield "p_holm", row.p_holm
    yield f"equivalent_{margin:g}pts", float(row.equivalent)
    yield "unchanged_share", _share(row.unchanged_share)
    yield "edit_ratio_mean", row.edit_ratio_mean
    yield "violation_rate", _share(row.violation_rate)
    yield "pdr", row.pdr
    yield "slot_flip_share", _share(row.slot_flip_share)


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _mean_share(percents: list[float | None]) -> float | None:
    return _share(_mean(percents))
