"""What a reader of one run's scores must know beside them, with the condition under which it is so."""

from __future__ import annotations

from dataclasses import dataclass

from alpacabench.core.sentence import Sentence, every, first


@dataclass(frozen=True, slots=True)
class OfRun:
    """What a run has scores for."""

    prompts: int = 0
    one_order: int = 0
    """Prompts with a verdict in one order only, where others have both."""
    whole: int | None = None
    """Prompts of the whole data set, where the length-controlled win rate is regularised."""
    scored: int = 0
    """Prompts that it is of."""


@dataclass(frozen=True, slots=True)
class OfFit:
    """What a length-controlled fit rests on."""

    n: int
    few: int
    """Prompts below which it is very uncertain."""
    won: float
    """Summed over soft verdicts."""
    least: int
    """Wins that either side needs."""
    longer: bool
    one_sided: bool
    """Whether nearly all answers are longer than the reference's, or shorter."""
    regularised: bool


def of_run(found: OfRun) -> list[str]:
    """Return what is so of a run."""
    return every(RUN, found)


def of_fit(found: OfFit) -> list[str]:
    """Return what a reader must know of a length-controlled fit."""
    return every((*FEW, *FIT), found)


def against(found: OfFit) -> str:
    """Return why a fit that is not regularised would mean nothing; empty where it means something."""
    return first(FIT, found)


def _side(fit: OfFit) -> dict[str, str]:
    return {"side": "longer" if fit.longer else "shorter"}


RUN: tuple[Sentence[OfRun], ...] = (
    Sentence(
        "scores.one_order",
        "{one_order} of {prompts} prompts have a verdict in one order only: the win rate is the mean of the two "
        "orders' means, so that none weighs more",
        when=lambda run: run.one_order > 0,
        fields=lambda run: {"one_order": run.one_order, "prompts": run.prompts},
    ),
    Sentence(
        "scores.subset",
        "{scored} of {whole} prompts are scored: the length-controlled win rate uses each prompt's own difficulty; "
        "alpaca_eval reads difficulty by row position, so its figure differs",
        when=lambda run: run.whole is not None and run.scored < run.whole,
        fields=lambda run: {"scored": run.scored, "whole": run.whole},
    ),
)  # fmt: skip
FEW: tuple[Sentence[OfFit], ...] = (
    Sentence(
        "scores.few", "{n} prompts: below {few} the length-controlled win rate is very uncertain",
        when=lambda fit: fit.n < fit.few, fields=lambda fit: {"n": fit.n, "few": fit.few},
    ),
)  # fmt: skip
ONE_SIDED = "nearly all answers are {side} than the reference's: no data tell length from quality"
FIT: tuple[Sentence[OfFit], ...] = (
    Sentence(
        "scores.one_sided", ONE_SIDED + "; the gamed baselines decide",
        when=lambda fit: fit.one_sided and fit.regularised, fields=_side,
    ),
    Sentence("scores.no_length", ONE_SIDED, when=lambda fit: fit.one_sided and not fit.regularised, fields=_side),
    Sentence(
        "scores.one_winner",
        "one side wins nearly all: {won} wins of {n}; {least} on either side are the least",
        when=lambda fit: min(fit.won, fit.n - fit.won) < fit.least,
        fields=lambda fit: {"won": f"{fit.won:.1f}", "n": fit.n, "least": fit.least},
    ),
)  # fmt: skip
