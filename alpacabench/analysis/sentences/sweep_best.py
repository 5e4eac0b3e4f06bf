"""Which setting of a sweep has the highest rate, what it can be told from, and what of its lead is selection."""

from __future__ import annotations

from collections.abc import Sequence

from alpacabench.analysis.estimate import decimal, finite
from alpacabench.analysis.sweep.table import TIE, SweepRow, SweepTable
from alpacabench.core.sentence import Sentence, every, first

MAX_NAMED = 4
"""More settings than this are counted, not named."""
SEEN = 0.05
"""Points that are not written as 0.0."""


def findings(table: SweepTable) -> list[str]:
    """Return what is known of the best setting."""
    return [*filter(None, [first(BEST, table)]), *every((*LENGTH, *SELECTION), table)]


def best(table: SweepTable) -> SweepRow | None:
    """Return the first row with the highest figure that decides."""
    return next(iter(table.leaders()), None)


def named(found: Sequence[str]) -> str:
    """Return the first of them, and how many more there are."""
    more = [f"and {len(found) - MAX_NAMED} more"] if len(found) > MAX_NAMED else []
    return "; ".join([*found[:MAX_NAMED], *more])


def metric(table: SweepTable) -> str:
    """Return the name of the figure that decides."""
    return "win rate" if table.decides == "win_rate" else "length-controlled win rate"


def in_what(table: SweepTable) -> str:
    """Return the figure that decides, where it is not the win rate itself."""
    return "" if table.decides == "win_rate" else f" in {table.decides}"


def _rated(table: SweepTable) -> list[SweepRow]:
    return [row for row in table.rows if table.rate(row)]


def _rest(table: SweepTable) -> list[SweepRow]:
    """Return the rows without a figure."""
    return [row for row in table.rows if not table.rate(row)]


def _tied(table: SweepTable) -> list[SweepRow]:
    """Return what the best cannot be told from."""
    return [row for row in table.rows if row.tied_with_best and row is not best(table)]


def _alone(table: SweepTable) -> bool:
    return len(_rated(table)) == 1


def _raced(table: SweepTable) -> bool:
    """Return whether every other setting was stopped because this one is better."""
    top, rest = best(table), _rest(table)
    return _alone(table) and top is not None and top.tied_with_best and any(row.stopped for row in rest)


def _same(table: SweepTable) -> bool:
    return not _alone(table) and len(table.leaders()) > 1


def _fields(table: SweepTable) -> dict[str, str]:
    top = best(table)
    rate, rest = table.rate(top) if top else None, _rest(table)
    if top is None or rate is None:
        return {}
    tied = [table.label(row) for row in _tied(table)]
    return {
        "top": table.label(top), "metric": metric(table), "rate": rate.percent(), "value": f"{decimal(rate.value)}%",
        "with_result": " with a result" if rest else "", "leaders": named([table.label(r) for r in table.leaders()]),
        "tied": "; ".join(tied) if len(tied) <= MAX_NAMED else f"{len(tied)} settings",
    }  # fmt: skip


HIGHEST = "{top} has the highest {metric}, {rate}"
BEST: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "best.race", "{top} has a {metric} of {rate}; every other setting was stopped, shown to be worse.",
        when=lambda table: _raced(table) and all(row.stopped for row in _rest(table)), fields=_fields, error=0.05,
    ),
    Sentence(
        "best.race_failed",
        "{top} has a {metric} of {rate}; every other setting was stopped, shown to be worse, or failed.",
        when=_raced, fields=_fields, error=0.05,
    ),
    Sentence(
        "best.alone", "{top} has a {metric} of {rate}; there is no other result to compare it with.",
        when=_alone, fields=_fields,
    ),
    Sentence(
        "best.uncompared", HIGHEST + ", but the settings could not be compared.",
        when=lambda table: any(not row.tied_with_best for row in table.leaders()), fields=_fields,
    ),
    Sentence(
        "best.all_same", "All settings{with_result} have the same {metric}, {value}.",
        when=lambda table: _same(table) and len(table.leaders()) == len(_rated(table)), fields=_fields,
    ),
    Sentence("best.same", "{leaders} have the same {metric}, {value}, the highest.", when=_same, fields=_fields),
    Sentence(
        "best.separated", HIGHEST + ", and is separated from every other setting{with_result}.",
        when=lambda table: best(table) is not None and not _tied(table), fields=_fields, error=0.05,
    ),
    Sentence(
        "best.tied", HIGHEST + ", but cannot be separated from {tied}.",
        when=lambda table: bool(_tied(table)), fields=_fields,
    ),
)  # fmt: skip


def _leaders(table: SweepTable, name: str) -> list[SweepRow]:
    """Return the rows with the highest raw (`win_rate`) or length-controlled (`lc`) rate, of those that have both."""
    rows = [row for row in table.rows if row.win_rate and row.lc]
    highest = max((getattr(row, name).value for row in rows), default=0.0)
    return [row for row in rows if highest - getattr(row, name).value < TIE]


def _disagree(table: SweepTable) -> bool:
    raw, lc = _leaders(table, "win_rate"), _leaders(table, "lc")
    return bool(raw) and not any(row is other for row in raw for other in lc)


def _both(table: SweepTable) -> dict[str, str]:
    raw, lc = _leaders(table, "win_rate")[0], _leaders(table, "lc")[0]
    assert raw.win_rate and raw.lc and lc.win_rate and lc.lc
    return {
        "raw": table.label(raw), "lc": table.label(lc), "raw_rate": decimal(raw.win_rate.value),
        "raw_lc": decimal(raw.lc.value), "lc_rate": decimal(lc.lc.value), "lc_raw": decimal(lc.win_rate.value),
    }  # fmt: skip


LENGTH: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "best.length",
        "The raw and the length-controlled win rate disagree: the raw one is highest for {raw} ({raw_rate}%, "
        "length-controlled {raw_lc}%), the length-controlled one for {lc} ({lc_rate}%, raw {lc_raw}%).",
        when=_disagree, fields=_both,
    ),
)  # fmt: skip


def _lead(table: SweepTable) -> bool:
    lead, chance = (table.metrics.get(name) for name in ("best_minus_mean", "expected_best_under_null"))
    return finite(lead) and finite(chance) and lead > TIE and chance >= SEEN


def _selection(table: SweepTable) -> dict[str, str]:
    names = {"lead": "best_minus_mean", "chance": "expected_best_under_null", "shrunken": "shrunken_best"}
    return {key: decimal(table.metrics.get(name)) for key, name in names.items()} | {"metric": metric(table)}


SELECTION: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "best.lead",
        "The best is {lead} points above the mean of the settings; were all equal, the best would still be about "
        "{chance} above.",
        when=_lead, fields=_selection,
    ),
    Sentence(
        # A best that stands apart was not chosen by luck: its own rate has no winner's curse to take out.
        "best.shrunken", "A fairer guess at its true {metric} is {shrunken}%.",
        when=lambda table: _lead(table) and bool(_tied(table)) and finite(table.metrics.get("shrunken_best")),
        fields=_selection,
    ),
)  # fmt: skip
