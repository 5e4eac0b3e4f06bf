"""What a system is sensitive to, and what is noise, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alpacabench.analysis.ablation.table import AblationTable, Family, OfK
from alpacabench.analysis.estimate import count, decimal, p_value
from alpacabench.report.run_words import Tile

STATISTICS = {
    "worst_of_k": ("Worst of {k}, %", "The win rate if each prompt met its worst wording"),
    "best_of_k": ("Best of {k}, %", "The win rate if each prompt met its best wording"),
    "spread_item": ("Best less worst, points", "Mean over prompts"),
    "spread_prompt": ("Highest less lowest win rate, points", "Of whole runs (FormatSpread)"),
    "pss": ("PSS", "Mean difference between two wordings of a prompt, 0 to 1 (ProSA)"),
}
"""Title and meaning of each statistic over k wordings."""


def headline(table: AblationTable) -> str:
    """Return the answer to 'does the wording matter?' in one line."""
    if table.saturated and not table.undecided:
        return f"Nothing can be concluded: every verdict is {table.saturated}"
    tested = table.robustness_families
    found = [family.name for family in tested if family.sensitive]
    if not tested:
        return _headline_without_families(table)
    if table.undecided and not found:
        return (
            f"Nothing can be concluded: the judge is undecided on {decimal(table.undecided_share, 0)}% of the prompts"
        )
    if found:
        rest = len(tested) - len(found)
        noise = f"; {rest} of {len(tested)} families are noise" if rest else ""
        return f"Sensitive to {listed(found)}{noise}"
    if table.floors and all(family.equivalent for family in tested):
        return f"Robust: no change of wording matters, of {_families(len(tested))}"
    return f"No change of wording is established to matter, of {_families(len(tested))} on {count(table.n)} prompts"


def _headline_without_families(table: AblationTable) -> str:
    if table.effects:
        found = [family.name for family in table.effects if family.sensitive]
        return f"Established effects: {listed(found)}" if found else "No effect is established"
    return "How far the same prompts, decoded again, change the result"


def sentences(table: AblationTable) -> list[str]:
    """Return the findings, the most important first."""
    if table.saturated:
        return [
            f"Every verdict, of every wording and every decode, is {table.saturated}: on these prompts this judge "
            "shows neither that the wording matters nor that it does not."
        ]
    return [*_sensitive(table), *_noise(table), *_floor(table), *_robustness(table), *_worst(table), *_effects(table)]


def tiles(table: AblationTable) -> list[Tile]:
    """Return the figures to see at a glance."""
    found = [Tile("Unchanged prompts", f"{decimal(table.win_rate.value)}%", f"win rate, 95% {table.win_rate.range()}")]
    if (tested := table.robustness_families) and not table.saturated:
        found.append(Tile("Sensitive to", f"{sum(f.sensitive for f in tested)} of {len(tested)}", "families"))
    if table.floor_flip_rate and not table.saturated:
        note = "flipped by decoding again"
        found.append(Tile("Noise floor", f"{decimal(table.floor_flip_rate.value)}%", note))
    if table.spread and (one := table.spread.robustness):
        found.append(Tile("Robustness", decimal(one.value, 3), f"95% {one.range(3)}; 1: only chance"))
    if table.spread:
        worst, k = table.spread.statistics[0], table.spread.k
        again = f"of {k} re-decodes: {decimal(worst.decodes.value)}%" if worst.decodes else "re-decodes unknown"
        if worst.wordings:
            found.append(Tile(f"Worst of {k} wordings", f"{decimal(worst.wordings.value)}%", again))
        elif worst.decodes:
            found.append(Tile(f"Worst of {k} decodes", f"{decimal(worst.decodes.value)}%", worst.decodes.range()))
    found.append(Tile("Prompts", count(table.n), f"{len(table.rows)} variants, {len(table.floors)} re-decodes"))
    return found


def listed(names: Sequence[str]) -> str:
    """Return 'a, b and c'."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "none"


def _sensitive(table: AblationTable) -> Iterator[str]:
    for family in table.robustness_families:
        if family.sensitive:
            yield f"{_what_it_does(family)}."


def _what_it_does(family: Family) -> str:
    row = family.strongest
    flips = f"flips {decimal(row.flip_rate.value)}% of the winners"
    if row.excess_flip:
        flips += f", {row.excess_flip.text(signed=True)} points beyond chance"
    shift = f"{row.delta_wr.text(signed=True)} points"
    return f"{row.name} moves the win rate by {shift} and {flips} ({p_value(row.p_holm)} after Holm)"


def _noise(table: AblationTable) -> Iterator[str]:
    rest = [family for family in table.robustness_families if not family.sensitive]
    if not rest:
        return
    names, do = listed([family.name for family in rest]), "does" if len(rest) == 1 else "do"
    beyond = "what decoding the same prompts again changes" if table.floors else "no change"
    tests = f"p adjusted for {table.n_tests} tests"
    yield f"Noise: what {names} {do} cannot be told from {beyond} ({tests})."
    shown = [family.name for family in rest if family.equivalent]
    open_ = [family for family in rest if not family.equivalent]
    margin = f"±{table.margin:g} points"
    if shown:
        yield f"The win rate under {listed(shown)} is shown to stay within {margin} (TOST, 90% interval inside)."
    if open_:
        detectable = max(row.mde_80 for family in open_ for row in family.rows)
        yield (
            f"For {listed([family.name for family in open_])} these prompts are too few to show that the win rate "
            f"stays within {margin}: one comparison finds {decimal(detectable)} points with 80% power."
        )


def _floor(table: AblationTable) -> Iterator[str]:
    if table.floor_flip_rate:
        again = len(table.floors) + 1
        yield (
            f"The noise floor: two decodes of the same unchanged prompts differ in {table.floor_flip_rate.percent()} "
            f"of the winners and by {decimal(table.floor_shift)} points of win rate on average ({again} decodes)."
        )


def _robustness(table: AblationTable) -> Iterator[str]:
    spread = table.spread
    if spread and spread.robustness:
        pss = next(found for found in spread.statistics if found.name == "pss")
        assert pss.wordings and pss.decodes
        yield (
            f"Robustness {spread.robustness.text(3)} = 1 − (PSS of {spread.n_wordings} wordings − PSS of "
            f"{spread.n_decodes} decodes) / largest possible PSS = 1 − ({decimal(pss.wordings.value, 3)} − "
            f"{decimal(pss.decodes.value, 3)}) / {decimal(spread.pss_max, 3)}, on prompts that still ask for the same "
            "task."
        )


def _worst(table: AblationTable) -> Iterator[str]:
    if table.spread is None:
        return
    worst = table.spread.statistics[0]
    k = table.spread.k
    if worst.wordings and worst.decodes and worst.excess:
        yield (
            f"The worst of {k} wordings wins {worst.wordings.percent()}, the worst of {k} re-decodes "
            f"{worst.decodes.percent()}: the wording adds {worst.excess.text(signed=True)} points, the rest is chance."
        )
    elif worst.decodes:
        yield f"The worst of {k} decodes of the same prompts wins {worst.decodes.percent()}: by chance alone."
    elif worst.wordings:
        yield f"The worst of {k} wordings wins {worst.wordings.percent()}; how much of it is chance is not known."


def _effects(table: AblationTable) -> Iterator[str]:
    for family in table.effects:
        if family.sensitive:
            yield f"Effect of {family.name}, which changes the task on purpose: {_what_it_does(family)}."
    if rest := [family.name for family in table.effects if not family.sensitive]:
        yield f"Changes the task on purpose, without an established effect: {listed(rest)}."


def _families(n: int) -> str:
    return "1 family" if n == 1 else f"{n} families"


def statistic(found: OfK, k: int) -> tuple[str, str]:
    """Return the title and the meaning of a statistic over k wordings."""
    title, meaning = STATISTICS[found.name]
    return title.format(k=k), meaning
