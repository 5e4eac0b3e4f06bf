"""What a sweep shows: which settings differ from the base, what failed, was stopped, or breaks a rule."""

from __future__ import annotations

from collections.abc import Sequence

from alpacabench.analysis.decision import differs, level
from alpacabench.analysis.estimate import count, decimal, p_value
from alpacabench.analysis.sentences import sweep_best
from alpacabench.analysis.sweep.table import SweepRow, SweepTable
from alpacabench.core.sentence import Sentence, every, first

MAX_NAMED = sweep_best.MAX_NAMED
named = sweep_best.named


def headline(table: SweepTable) -> str:
    """Return the answer to 'which setting is better?' in one line."""
    return first(HEADLINES, table)


def findings(table: SweepTable) -> list[str]:
    """Return what the sweep shows, the most important first."""
    if table.saturated:
        return every((*SATURATED, *RULES, *MISSING), table)
    return [*every(DIFFERENT, table), *sweep_best.findings(table), *every((*RULES, *POWER, *MISSING), table)]


def different(table: SweepTable) -> list[SweepRow]:
    """Return the rows that differ from the base after Holm's correction, largest difference first."""
    rows = [(row, delta.value) for row in table.rows if (delta := table.delta(row)) and differs(row.p_holm)]
    return [row for row, _ in sorted(rows, key=lambda found: -abs(found[1]))]


def _compared(table: SweepTable) -> list[SweepRow]:
    return [row for row in table.rows if table.delta(row)]


def _better(table: SweepTable) -> int:
    return sum(delta.value > 0 for row in different(table) if (delta := table.delta(row)))


def _worse(table: SweepTable) -> int:
    return len(different(table)) - _better(table)


def _partly(table: SweepTable) -> bool:
    """Return whether a verdict lies outside what is compared: of a job that did not finish, or on its own prompts."""
    return any(row.own_win_rate or row.failure or row.stopped for row in table.rows)


def _level(table: SweepTable) -> dict[str, str]:
    rate = next((row.win_rate.value for row in table.rows if row.win_rate), 0.0)
    return {"level": level(rate), "n": count(table.n_shared)}


def _verdicts(table: SweepTable) -> dict[str, object]:
    found = different(table)
    return {
        "label": table.label(found[0]) if found else "", "found": len(found), "compared": len(_compared(table)),
        "verb": "is" if len(found) == 1 else "are", "better": _better(table), "worse": _worse(table),
        "what": sweep_best.in_what(table),
    }  # fmt: skip


HEADLINES: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "sweep.saturated", "Nothing can be concluded: every verdict in every job is {level}",
        when=lambda table: table.saturated and not _partly(table), fields=_level,
    ),
    Sentence(
        "sweep.saturated_shared",
        "Nothing can be concluded: every verdict on the {n} prompts that the finished jobs share is {level}",
        when=lambda table: table.saturated, fields=_level,
    ),
    Sentence(
        "sweep.one_left", "Every setting but one was stopped early",
        when=lambda table: len(table.rows) > 1 and sum(row.stopped is None for row in table.rows) == 1
        and not any(row.failure for row in table.rows),
    ),
    Sentence(
        "sweep.no_base", "No setting could be compared with a base", when=lambda table: not _compared(table)
    ),
    Sentence(
        "sweep.none", "No setting is shown to differ from the base{what}",
        when=lambda table: not different(table), fields=_verdicts,
    ),
    Sentence(
        "sweep.better", "{label} is better than the base{what}",
        when=lambda table: len(_compared(table)) == 1 and _better(table) == 1, fields=_verdicts, error=0.05,
    ),
    Sentence(
        "sweep.worse", "{label} is worse than the base{what}",
        when=lambda table: len(_compared(table)) == 1 and _worse(table) == 1, fields=_verdicts, error=0.05,
    ),
    Sentence(
        "sweep.some_better", "{found} of {compared} settings {verb} better than the base{what}",
        when=lambda table: _better(table) > 0 == _worse(table), fields=_verdicts, error=0.05,
    ),
    Sentence(
        "sweep.some_worse", "{found} of {compared} settings {verb} worse than the base{what}",
        when=lambda table: _worse(table) > 0 == _better(table), fields=_verdicts, error=0.05,
    ),
    Sentence(
        "sweep.mixed", "{better} better and {worse} worse than the base{what}, of {compared} settings",
        when=lambda table: _better(table) > 0 and _worse(table) > 0, fields=_verdicts, error=0.05,
    ),
)  # fmt: skip
SATURATED: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "sweep.cannot_tell",
        "Every verdict in every job is {level}: these prompts and this judge cannot tell the settings apart, nor show "
        "that they are alike.",
        when=lambda table: table.saturated and not _partly(table), fields=_level,
    ),
    Sentence(
        "sweep.cannot_tell_shared",
        "Every verdict on the {n} prompts that the finished jobs share is {level}: these prompts and this judge cannot "
        "tell the settings apart, nor show that they are alike.",
        when=lambda table: table.saturated and _partly(table), fields=_level,
    ),
)  # fmt: skip


def _established(table: SweepTable) -> dict[str, str]:
    compared = _n_comparisons(table)
    told = [
        f"{table.label(row)} {delta.text(signed=True)} points, {p_value(row.p_holm)}"
        for row in different(table)
        if (delta := table.delta(row))
    ]
    return {
        "what": sweep_best.in_what(table), "named": named(told),
        "over": f", Holm-adjusted over {compared} comparisons" if compared > 1 else "",
    }  # fmt: skip


def _n_comparisons(table: SweepTable) -> int:
    return sum(bool(table.delta(row) or row.stopped) for row in table.rows)


def _missed(table: SweepTable) -> list[str]:
    """Return the differences that a test would miss that ignores that all settings answered the same prompts."""
    rows = [row for row in different(table) if row.p_unpaired is not None and not differs(row.p_unpaired)]
    return [f"{table.label(row)}, {p_value(row.p_unpaired)}" for row in rows]


DIFFERENT: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "sweep.established", "Established against the base{what} (paired{over}): {named}.",
        when=lambda table: bool(different(table)), fields=_established, error=0.05,
    ),
    Sentence(
        "sweep.unpaired",
        "Pairing prompt by prompt is what shows it: an unpaired test would miss {named}.",
        when=lambda table: bool(_missed(table)), fields=lambda table: {"named": named(_missed(table))},
    ),
    Sentence(
        "sweep.not_significant",
        "No comparison with the base ({n} in all) is significant at 5% after Holm's correction: how the settings below "
        "differ from it may be chance.",
        when=lambda table: _compared(table) != [] and not different(table),
        fields=lambda table: {"n": _n_comparisons(table)},
    ),
)  # fmt: skip


def _violations(table: SweepTable) -> list[str]:
    """Return which settings break a rule more or less often than the base."""
    return [
        f"{table.label(row)}: {name} {decimal(one.difference.estimate, signed=True)} points, {p_value(one.p_holm)}"
        for row in table.rows
        for name, one in row.violations.items()
        if one.difference and differs(one.p_holm)
    ]


RULES: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "sweep.violations", "Violations differ from the base (exact, paired, Holm-adjusted): {named}.",
        when=lambda table: bool(_violations(table)), fields=lambda table: {"named": named(_violations(table))},
        error=0.05,
    ),
)  # fmt: skip
POWER: tuple[Sentence[SweepTable], ...] = (
    Sentence(
        "sweep.power", "A paired difference of {size} points is found with 80% power before correction.",
        when=lambda table: table.detectable is not None, fields=lambda table: {"size": decimal(table.detectable)},
    ),
)  # fmt: skip


def _labels(table: SweepTable, rows: Sequence[SweepRow]) -> dict[str, str]:
    return {"named": named([table.label(row) for row in rows])}


def _failed(table: SweepTable) -> int:
    return sum(row.failure is not None for row in table.rows)


MISSING: tuple[Sentence[SweepTable], ...] = (
    Sentence("sweep.identical", "All answers of all jobs are identical.", when=lambda table: table.identical),
    Sentence(
        "sweep.stopped",
        "Stopped early, since another setting is shown to be better: {named}. A stopped setting is in no comparison, "
        "and counts as one that found nothing.",
        when=lambda table: any(row.stopped for row in table.rows),
        fields=lambda table: _labels(table, [row for row in table.rows if row.stopped]), error=0.05,
    ),
    Sentence(
        "sweep.failed", "{failed} of {n} jobs failed, and are in no comparison.",
        when=lambda table: _failed(table) > 0, fields=lambda table: {"failed": _failed(table), "n": table.n_jobs},
    ),
)  # fmt: skip
