"""What a gate says: its verdict, its place in a series, and what missing verdicts and limits on checks do."""

from __future__ import annotations

from dataclasses import dataclass

from alpacabench.analysis.checked_answers import ROUNDING, Kept
from alpacabench.analysis.estimate import decimal
from alpacabench.analysis.gate.decision import Decision
from alpacabench.analysis.gate.series import Place
from alpacabench.core.sentence import Sentence, every, first


def verdict(decision: Decision) -> str:
    """Return the verdict in words."""
    return first(VERDICTS, decision)


def place(found: Place) -> str:
    """Return what the place in a series means for the test."""
    return first(PLACES, found)


def limit(found: Kept) -> str:
    """Return what a check with a limit found."""
    return first(LIMITS, found)


def missing(lacking: Lacking) -> list[str]:
    """Return what missing verdicts do; empty where none is missing."""
    return every(LACKS, lacking)


def _loss(decision: Decision) -> dict[str, str]:
    return {"loss": decision.loss}


VERDICTS: tuple[Sentence[Decision], ...] = (
    Sentence(
        "gate.saturated",
        "Undecided: nothing can be concluded, because all verdicts on the {n} prompts with one in both runs are the "
        "same.",
        when=lambda decision: decision.saturated, fields=lambda decision: {"n": decision.n},
    ),
    Sentence(
        "gate.release", "Release: the run is shown not to be {loss} than the base.",
        when=lambda decision: decision.verdict == "release", fields=_loss, error=0.05,
    ),
    Sentence(
        "gate.block", "Block: the run is shown to be {loss} than the base.",
        when=lambda decision: decision.verdict == "block", fields=_loss, error=0.05,
    ),
    Sentence(
        "gate.judge_undecided",
        "Undecided: the run is not shown to be {loss} than the base, and the judge is undecided on {share}% of the "
        "verdicts, so that alike win rates do not show that it is not.",
        when=lambda decision: decision.verdict == "undecided" and decision.judge_undecided,
        fields=lambda decision: _loss(decision) | {"share": decimal(decision.undecided_share, 0)},
    ),
    Sentence(
        "gate.undecided", "Undecided: the run is neither shown to be {loss} than the base, nor shown not to be.",
        when=lambda decision: decision.verdict == "undecided", fields=_loss,
    ),
)  # fmt: skip
PLACES: tuple[Sentence[Place], ...] = (
    Sentence(
        "gate.series",
        "Gate {number} of the series {series}: it tests at {alpha}, so that all gates of the series together block "
        "falsely with a probability of at most {whole}.",
        when=lambda found: True,
        fields=lambda found: {
            "number": found.number, "series": found.series, "alpha": f"{found.alpha:.2g}",
            "whole": f"{found.alpha_series:g}",
        },
    ),
)  # fmt: skip


def _kept(found: Kept) -> dict[str, str]:
    return {
        "check": found.check, "rate": f"{found.rate:.4g}", "n": str(found.n), "most": f"{found.most:g}",
        "lacking": f"; {found.unknown} more could not be checked" if found.unknown else "",
    }  # fmt: skip


LIMITS: tuple[Sentence[Kept], ...] = (
    Sentence(
        "gate.above", "{check}: {rate}% of {n} prompts violate, above {most}%{lacking}",
        when=lambda found: found.rate > found.most + ROUNDING, fields=_kept,
    ),
    Sentence(
        "gate.within", "{check}: {rate}% of {n} prompts violate, within {most}%{lacking}",
        when=lambda found: found.rate <= found.most + ROUNDING, fields=_kept,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lacking:
    """How many of the prompts lack a verdict."""

    prompts: int
    base: int
    run: int
    either: int


LACKS: tuple[Sentence[Lacking], ...] = (
    Sentence(
        "gate.missing",
        "{either} of {prompts} prompts lack a verdict ({base} in the base, {run} in the run). The difference and a "
        "block leave them out; for a release they count at their worst, lost by the run and won by the base. Each "
        "run's own command asks only for what it lacks.",
        when=lambda lacking: lacking.either > 0,
        fields=lambda lacking: {
            "either": lacking.either, "prompts": lacking.prompts, "base": lacking.base, "run": lacking.run
        },
    ),
)  # fmt: skip
