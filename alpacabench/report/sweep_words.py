"""What a sweep establishes and what is noise, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alpacabench.analysis.decision import differs
from alpacabench.analysis.estimate import count, decimal, dollars, duration, finite, p_value
from alpacabench.analysis.sweep.table import SweepRow, SweepTable
from alpacabench.report.run_words import Tile

MAX_NAMED = 4
"""More settings than this are counted, not named."""


def best(table: SweepTable) -> SweepRow | None:
    """Return the first row with the highest figure that decides."""
    return next(iter(table.leaders()), None)


def different(table: SweepTable) -> list[SweepRow]:
    """Return the rows that differ from the base after Holm's correction, largest difference first."""
    rows = [(row, delta.value) for row in table.rows if (delta := table.delta(row)) and differs(row.p_holm)]
    return [row for row, _ in sorted(rows, key=lambda found: -abs(found[1]))]


def headline(table: SweepTable) -> str:
    """Return the answer to 'which setting is better?' in one line."""
    if table.saturated:
        return f"Nothing can be concluded: every verdict in every job is {saturation(table)}"
    compared = [row for row in table.rows if table.delta(row)]
    if not compared:
        stopped = any(row.stopped for row in table.rows)
        return "Every setting but one was stopped early" if stopped else "No setting could be compared with a base"
    found = different(table)
    if not found:
        return "No setting differs from the base beyond chance"
    better = sum(delta.value > 0 for row in found if (delta := table.delta(row)))
    worse = len(found) - better
    if len(compared) == 1:
        return f"{table.label(found[0])} is {'better' if better else 'worse'} than the base"
    if not better or not worse:
        verb = "is" if len(found) == 1 else "are"
        return f"{len(found)} of {len(compared)} settings {verb} {'better' if better else 'worse'} than the base"
    return f"{better} better and {worse} worse than the base, of {len(compared)} settings"


def sweep_note(table: SweepTable, report: Path, comparison: str | None) -> str:
    """Return what MLflow shows above a sweep, as Markdown: answer, base, findings, warnings, and where to read on."""
    parts = [
        f"**{headline(table)}**",
        f"Base: {table.base}" if table.base else "",
        "\n".join(f"- {sentence}" for sentence in [*sentences(table), *table.warnings]),
        f"Report: `{report}`",
        f"[Compare the jobs]({comparison})" if comparison else "",
    ]
    return "\n\n".join(filter(None, parts))


def saturation(table: SweepTable) -> str:
    """Return what every verdict is."""
    rate = next((row.win_rate.value for row in table.rows if row.win_rate), 0.0)
    return "a loss" if rate < 25 else "a win" if rate > 75 else "a draw"


def sentences(table: SweepTable) -> list[str]:
    """Return the findings, the most important first."""
    if table.saturated:
        return [
            f"Every verdict in every job is {saturation(table)}: these prompts and this judge cannot tell the settings "
            "apart, nor show that they are alike.",
            *_violations(table),
            *_what_is_missing(table),
        ]
    found = _established(table)
    if top := best(table):
        found.append(_best(table, top))
    found += _other_metric(table)
    found += _selection(table)
    found += _violations(table)
    detectable = table.metrics.get("mde_80_paired")
    if finite(detectable) and detectable < 100:
        found.append(f"A paired difference of {decimal(detectable)} points is found with 80% power before correction.")
    return found + _what_is_missing(table)


def _what_is_missing(table: SweepTable) -> list[str]:
    found = []
    if table.identical:
        found.append("All answers of all jobs are identical.")
    if stopped := [row for row in table.rows if row.stopped]:
        found.append(
            "Stopped early, since another setting is shown to be better: "
            f"{_first([table.label(row) for row in stopped])}. A stopped setting is in no "
            "comparison, and counts as one that found nothing."
        )
    failed = sum(row.failure is not None for row in table.rows)
    if failed:
        found.append(f"{failed} of {table.n_jobs} jobs failed, and are in no comparison.")
    return found


def _established(table: SweepTable) -> list[str]:
    rows, compared = different(table), sum(bool(table.delta(row) or row.stopped) for row in table.rows)
    named = [
        f"{table.label(row)} {delta.text(signed=True)} points, {p_value(row.p_holm)}"
        for row in rows
        if (delta := table.delta(row))
    ]
    if rows:
        over = f", Holm-adjusted over {compared} comparisons" if compared > 1 else ""
        what = "" if table.decides == "win_rate" else f" in {table.decides}"
        return [f"Established against the base{what} (paired{over}): {_first(named)}.", *_unpaired(table, rows)]
    if compared:
        return [
            f"No comparison with the base ({compared} in all) is significant at 5% after Holm's correction: "
            "the order of the settings below may be chance."
        ]
    return []


def _unpaired(table: SweepTable, rows: Sequence[SweepRow]) -> list[str]:
    """Return what a test would miss that ignores that all settings answered the same prompts."""
    missed = [
        f"{table.label(row)}, {p_value(row.p_unpaired)}"
        for row in rows
        if finite(row.p_unpaired) and not differs(row.p_unpaired)
    ]
    if not missed:
        return []
    return [f"Pairing prompt by prompt is what shows it: an unpaired test would miss {_first(missed)}."]


def _first(named: Sequence[str]) -> str:
    """Return the first of them, and how many more there are."""
    more = [f"and {len(named) - MAX_NAMED} more"] if len(named) > MAX_NAMED else []
    return "; ".join([*named[:MAX_NAMED], *more])


def _best(table: SweepTable, top: SweepRow) -> str:
    figure, name = table.rate(top), "win rate" if table.decides == "win_rate" else "length-controlled win rate"
    rate = figure.percent() if figure else ""
    if sum(row.win_rate is not None for row in table.rows) == 1:
        if top.tied_with_best:
            return f"{table.label(top)} has a {name} of {rate}; every other setting was stopped, shown to be worse."
        return f"{table.label(top)} has a {name} of {rate}; there is no other result to compare it with."
    if len(leaders := table.leaders()) > 1:
        equal = "All settings" if len(leaders) == len([r for r in table.rows if table.rate(r)]) else None
        named = _first([table.label(row) for row in leaders])
        return f"{equal or named} have the same {name}, {rate}" + ("." if equal else ", the highest.")
    tied = [table.label(row) for row in table.rows if row.tied_with_best and row is not top]
    rate = f"{table.label(top)} has the highest {name}, {rate}"
    if not top.tied_with_best:
        return f"{rate}, but the settings could not be compared."
    if not tied:
        return f"{rate}, and is separated from every other setting."
    named = "; ".join(tied) if len(tied) <= MAX_NAMED else f"{len(tied)} settings"
    return f"{rate}, but cannot be separated from {named}."


def _other_metric(table: SweepTable) -> list[str]:
    """Return where the raw and the length-controlled win rate name another best."""
    rows = [row for row in table.rows if row.win_rate and row.lc]
    if len(rows) < 2:
        return []
    raw, lc = (max(rows, key=key) for key in (lambda r: r.win_rate.value, lambda r: r.lc.value))
    if raw is lc or raw.win_rate is None or lc.lc is None or raw.lc is None or lc.win_rate is None:
        return []
    return [
        f"Length matters here: the raw win rate is highest for {table.label(raw)} ({decimal(raw.win_rate.value)}%, "
        f"length-controlled {decimal(raw.lc.value)}%), the length-controlled one for {table.label(lc)} "
        f"({decimal(lc.lc.value)}%, raw {decimal(lc.win_rate.value)}%)."
    ]


def _violations(table: SweepTable) -> list[str]:
    """Return which settings break a rule more or less often than the base."""
    named = [
        f"{table.label(row)}: {name} {decimal(one.difference.estimate, signed=True)} points, {p_value(one.p_holm)}"
        for row in table.rows
        for name, one in row.violations.items()
        if one.difference and differs(one.p_holm)
    ]
    return [f"Violations differ from the base (exact, paired, Holm-adjusted): {_first(named)}."] if named else []


def _selection(table: SweepTable) -> list[str]:
    lead, chance = table.metrics.get("best_minus_mean"), table.metrics.get("expected_best_under_null")
    if not (finite(lead) and finite(chance)):
        return []
    shrunken = table.metrics.get("shrunken_best")
    honest = f" A fairer guess at its true win rate is {decimal(shrunken)}%." if finite(shrunken) else ""
    return [
        f"The best is {decimal(lead)} points above the mean of all settings; were all equal, the best would still be "
        f"about {decimal(chance)} above.{honest}"
    ]


def tiles(table: SweepTable) -> list[Tile]:
    """Return the figures to see at a glance."""
    done = [row for row in table.rows if not row.failure]
    failed = len(table.rows) - len(done)
    found = [Tile("Jobs", count(table.n_jobs), f"{failed} failed" if failed else "none failed")]
    if sizes := {row.n for row in done if not row.stopped}:
        found.append(
            Tile("Prompts in each", count(max(sizes)), "" if len(sizes) == 1 else f"fewest: {count(min(sizes))}")
        )
    if not table.saturated:
        found.append(Tile("Differ from the base", count(len(different(table))), "after Holm's correction"))
        found.append(Tile("Could be the best", count(sum(row.tied_with_best for row in done)), "not separable at 5%"))
    costs = [row.cost_usd for row in table.rows]
    if any(finite(cost) for cost in costs):
        total = sum(cost for cost in costs if finite(cost))
        found.append(Tile("Cost", dollars(total), "of this call" if all(map(finite, costs)) else "where known"))
    seconds = [row.seconds for row in table.rows if finite(row.seconds)]
    if seconds:
        found.append(Tile("Time", duration(sum(seconds)), "of this call, all jobs"))
    return found
