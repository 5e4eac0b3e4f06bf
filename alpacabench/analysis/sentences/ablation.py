"""What an ablation shows: which wordings matter, which are shown not to, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alpacabench.analysis.ablation.table import AblationTable, Family
from alpacabench.analysis.estimate import count, decimal, p_value
from alpacabench.analysis.sentences import ablation_chance
from alpacabench.core.sentence import Sentence, every, first


def headline(table: AblationTable) -> str:
    """Return the answer to 'does the wording matter?' in one line."""
    return first(HEADLINES, table)


def findings(table: AblationTable) -> list[str]:
    """Return what the ablation shows, the most important first."""
    if table.saturated:
        return every(SATURATED, table)
    tested = [sentence for family in table.robustness_families for sentence in every(FAMILY, family)]
    effects = [sentence for family in table.effects for sentence in every(EFFECT, family)]
    return [*tested, *every(REST, table), *ablation_chance.findings(table), *effects, *every(NO_EFFECT, table)]


def listed(names: Sequence[str]) -> str:
    """Return 'a, b and c'."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "none"


def _sensitive(table: AblationTable) -> list[str]:
    return [family.name for family in table.robustness_families if family.sensitive]


def _others(table: AblationTable) -> list[Family]:
    return [family for family in table.robustness_families if not family.sensitive]


def _shown(table: AblationTable) -> list[str]:
    return [family.name for family in _others(table) if family.equivalent]


def _open(table: AblationTable) -> list[Family]:
    return [family for family in _others(table) if not family.equivalent]


def _effects(table: AblationTable, sensitive: bool) -> list[str]:
    return [family.name for family in table.effects if family.sensitive is sensitive]


def _facts(table: AblationTable) -> dict[str, str]:
    tested, others = len(table.robustness_families), len(_others(table))
    verb = "is" if others == 1 else "are"
    return {
        "level": table.saturated, "undecided": decimal(table.undecided_share, 0), "named": listed(_sensitive(table)),
        "rest": f"; {others} of {tested} families {verb} not shown to matter" if others else "",
        "families": "1 family" if tested == 1 else f"{tested} families", "n": count(table.n),
        "effects": listed(_effects(table, True)),
    }  # fmt: skip


HEADLINES: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "ablation.saturated", "Nothing can be concluded: every verdict is {level}",
        when=lambda table: bool(table.saturated) and not table.undecided, fields=_facts,
    ),
    Sentence(
        "ablation.undecided",
        "Nothing can be concluded: the judge is undecided on {undecided}% of the prompts",
        when=lambda table: table.undecided and not _sensitive(table) and not _effects(table, True), fields=_facts,
    ),
    Sentence(
        "ablation.sensitive", "Sensitive to {named}{rest}",
        when=lambda table: bool(_sensitive(table)), fields=_facts, error=0.05,
    ),
    Sentence(
        "ablation.robust", "Robust: no change of wording matters, of {families}",
        when=lambda table: bool(table.floors and table.robustness_families) and not _open(table), fields=_facts,
        error=0.05,
    ),
    Sentence(
        "ablation.none", "No change of wording is established to matter, of {families} on {n} prompts",
        when=lambda table: bool(table.robustness_families), fields=_facts,
    ),
    Sentence(
        "ablation.effects", "Established effects: {effects}",
        when=lambda table: bool(_effects(table, True)), fields=_facts, error=0.05,
    ),
    Sentence("ablation.no_effect", "No effect is established", when=lambda table: bool(table.effects)),
    Sentence(
        "ablation.decodes", "How far the same prompts, decoded again, change the result", when=lambda table: True
    ),
)  # fmt: skip
SATURATED: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "ablation.neither",
        "Every verdict, of every wording and every decode, is {level}: on these prompts this judge shows neither that "
        "the wording matters nor that it does not.",
        when=lambda table: bool(table.saturated), fields=_facts,
    ),
)  # fmt: skip


def _strongest(family: Family) -> Mapping[str, str]:
    row = family.strongest
    beyond = f", {row.excess_flip.text(signed=True)} points beyond chance" if row.excess_flip else ""
    return {
        "family": family.name, "name": row.name, "shift": row.delta_wr.text(signed=True),
        "flips": f"{decimal(row.flip_rate.value)}% of the winners{beyond}", "p": p_value(row.p_holm),
    }  # fmt: skip


def _moves(family: Family) -> bool:
    return family.strongest.moves


def _flips(family: Family) -> bool:
    return family.sensitive and not family.strongest.moves


MOVES = "{name} moves the win rate by {shift} points and flips {flips} ({p} after Holm)."
FLIPS = "{name} flips {flips} ({p} after Holm); that it moves the win rate is not shown ({shift} points)."
ON_PURPOSE = "Effect of {family}, which changes the task on purpose: "
FAMILY: tuple[Sentence[Family], ...] = (
    Sentence("ablation.moves", MOVES, when=_moves, fields=_strongest, error=0.05),
    Sentence("ablation.flips", FLIPS, when=_flips, fields=_strongest, error=0.05),
)
EFFECT: tuple[Sentence[Family], ...] = (
    Sentence("ablation.effect_moves", ON_PURPOSE + MOVES, when=_moves, fields=_strongest, error=0.05),
    Sentence("ablation.effect_flips", ON_PURPOSE + FLIPS, when=_flips, fields=_strongest, error=0.05),
)


def _rest(table: AblationTable) -> dict[str, str]:
    found = [row.detectable for family in _open(table) for row in family.rows]
    known = [size for size in found if size is not None]
    power = f": one comparison finds {decimal(max(known))} points with 80% power" if known else ""
    return {
        "others": listed([family.name for family in _others(table)]), "shown": listed(_shown(table)),
        "open": listed([family.name for family in _open(table)]), "do": "does" if len(_others(table)) == 1 else "do",
        "beyond": "what decoding the same prompts again changes" if table.floors else "no change",
        "tests": str(table.n_tests), "margin": f"±{table.margin:g} points",
        "power": power if len(known) == len(found) else "",
    }  # fmt: skip


REST: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "ablation.not_established",
        "Not established: what {others} {do} cannot be told from {beyond} (p adjusted for {tests} tests).",
        when=lambda table: bool(_others(table)), fields=_rest,
    ),
    Sentence(
        "ablation.within",
        "The win rate under {shown} is shown to stay within {margin} (TOST, 90% interval inside).",
        when=lambda table: bool(_shown(table)), fields=_rest, error=0.05,
    ),
    Sentence(
        "ablation.open",
        "For {open} these prompts do not show that the win rate stays within {margin}{power}.",
        when=lambda table: bool(_open(table)), fields=_rest,
    ),
)  # fmt: skip
NO_EFFECT: tuple[Sentence[AblationTable], ...] = (
    Sentence(
        "ablation.not_shown", "Changes the task on purpose, without an established effect: {named}.",
        when=lambda table: bool(_effects(table, False)),
        fields=lambda table: {"named": listed(_effects(table, False))},
    ),
)  # fmt: skip
