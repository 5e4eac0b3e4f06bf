"""What a pair of runs shows: whether they differ, are alike, or neither; what is length; what could have been found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpacabench.analysis.compare.result import ComparisonPage
from alpacabench.analysis.decision import HALF_POWER, claim_p, detectable, differs, level, side
from alpacabench.analysis.estimate import Estimate, count, decimal, p_value
from alpacabench.core.sentence import Sentence, every, first

if TYPE_CHECKING:
    from alpacabench.scoring.paired import Delta


def headline(pair: ComparisonPage) -> str:
    """Return the verdict in one line."""
    return first(HEADLINES, pair)


def findings(pair: ComparisonPage) -> list[str]:
    """Return what the pair shows, the most important first."""
    return every((*RATES, *LENGTH, *TESTS), pair)


def _names(pair: ComparisonPage) -> dict[str, str]:
    return {"a": pair.name_a, "b": pair.name_b}


def _level(pair: ComparisonPage) -> dict[str, str]:
    return _names(pair) | {"level": level(pair.win_rate_a.value), "n": count(pair.n)}


HEADLINES: tuple[Sentence[ComparisonPage], ...] = (
    Sentence(
        "pair.saturated", "Nothing can be concluded: every verdict of {a} and {b} is {level}",
        when=lambda pair: pair.saturated and pair.complete, fields=lambda pair: _level(pair),
    ),
    Sentence(
        "pair.saturated_shared",
        "Nothing can be concluded: every verdict of {a} and {b} on the {n} prompts that both have one for is {level}",
        when=lambda pair: pair.saturated, fields=lambda pair: _level(pair),
    ),
    Sentence(
        "pair.more", "{b} wins more often than {a}",
        when=lambda pair: pair.established and pair.delta_wr.value > 0, fields=_names, error=0.05,
    ),
    Sentence(
        "pair.less", "{b} wins less often than {a}",
        when=lambda pair: pair.established and pair.delta_wr.value < 0, fields=_names, error=0.05,
    ),
    Sentence(
        "pair.equivalent", "{b} and {a} are equivalent within {margin} points",
        when=lambda pair: bool(pair.equivalent), fields=lambda pair: _names(pair) | _margin(pair), error=0.05,
    ),
    Sentence(
        "pair.undecided", "{b} and {a} are not shown to differ", when=lambda pair: not pair.established, fields=_names
    ),
)  # fmt: skip
RATES: tuple[Sentence[ComparisonPage], ...] = (
    Sentence(
        "pair.rates",
        "{a} wins {rate_a}, {b} {rate_b} of the same {n} prompts: a difference of {delta} points (95% intervals).",
        when=lambda pair: True,
        fields=lambda pair: _names(pair) | {
            "rate_a": pair.win_rate_a.percent(), "rate_b": pair.win_rate_b.percent(), "n": count(pair.n),
            "delta": pair.delta_wr.text(signed=True),
        },
    ),
)  # fmt: skip
LC = "{name}, the difference is {delta} points"
LENGTH: tuple[Sentence[ComparisonPage], ...] = (
    Sentence(
        "pair.lc", LC + ".", when=lambda pair: bool(pair.delta_lc and not pair.raw_minus_lc),
        fields=lambda pair: _length(pair),
    ),
    Sentence(
        "pair.lc_length", LC + ": length accounts for {part} points (raw minus length-controlled).",
        when=lambda pair: bool(pair.delta_lc and pair.raw_minus_lc and side(pair.raw_minus_lc)),
        fields=lambda pair: _length(pair), error=0.05,
    ),
    Sentence(
        "pair.lc_unclear",
        LC + ": it is not shown that length accounts for any of the difference; {part} points (raw minus "
        "length-controlled).",
        when=lambda pair: bool(pair.delta_lc and pair.raw_minus_lc and not side(pair.raw_minus_lc)),
        fields=lambda pair: _length(pair),
    ),
)  # fmt: skip
TESTS: tuple[Sentence[ComparisonPage], ...] = (
    Sentence(
        "pair.flips",
        "{flips} prompts are won by one of the two alone: {won} by {b}, {lost} by {a} (exact McNemar test, {p}).",
        when=lambda pair: True,
        fields=lambda pair: _names(pair) | {
            "flips": count(pair.win_to_loss + pair.loss_to_win), "won": count(pair.loss_to_win),
            "lost": count(pair.win_to_loss), "p": p_value(pair.mcnemar_p),
        },
    ),
    Sentence(
        "pair.inside",
        "The 90% interval of the difference lies within ±{margin} points: they are equivalent for that margin.",
        when=lambda pair: bool(pair.equivalent), fields=lambda pair: _margin(pair), error=0.05,
    ),
    Sentence(
        "pair.judge_undecided",
        "The judge is undecided on {share}% of these verdicts: its preference lies between 45% and 55%. Alike win "
        "rates then say more of it than of the runs, so that equivalence is not shown.",
        when=lambda pair: pair.undecided is not None, fields=lambda pair: {"share": decimal(pair.undecided, 0)},
    ),
    Sentence(
        "pair.outside",
        "The 90% interval of the difference does not lie within ±{margin} points: equivalence is not shown.",
        when=lambda pair: pair.equivalent is False and not pair.saturated and pair.undecided is None,
        fields=lambda pair: _margin(pair),
    ),
    Sentence(
        "pair.power",
        "With these prompts a difference of {size} points is found with 80% power, one of {half} with 50%.",
        when=lambda pair: pair.detectable is not None,
        fields=lambda pair: {"size": decimal(pair.detectable), "half": decimal(HALF_POWER * (pair.detectable or 0))},
    ),
)  # fmt: skip


def _margin(pair: ComparisonPage) -> dict[str, str]:
    return {"margin": decimal(pair.margin)}


def _length(pair: ComparisonPage) -> dict[str, str]:
    regular = pair.lc_name == "length_controlled_winrate"
    return {
        "name": "Length-controlled" if regular else "Length-controlled, not regularised",
        "delta": pair.delta_lc.text(signed=True) if pair.delta_lc else "",
        "part": pair.raw_minus_lc.text(signed=True) if pair.raw_minus_lc else "",
    }


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """One metric of a pair, as the terminal tells it."""

    run: str
    base: str
    metric: str
    delta: Delta

    @property
    def established(self) -> bool:
        """Whether the two are shown to differ in it."""
        return differs(claim_p(self.delta))


def conclusion(facts: MetricFacts) -> str:
    """Return what is established of one metric."""
    return first(METRIC, facts)


def _figures(facts: MetricFacts) -> dict[str, str]:
    delta = facts.delta
    return {
        "run": facts.run, "base": facts.base, "metric": facts.metric, "size": decimal(abs(delta.estimate), 2),
        "way": "higher" if delta.estimate > 0 else "lower", "value": decimal(delta.estimate, 2, True),
        "interval": Estimate.of_delta(delta).range(2, signed=True), "p": p_value(claim_p(delta)),
        "n": str(delta.n_paired), "margin": f"{delta.margin:g}", "detectable": decimal(detectable(delta), 1),
        "share": decimal(delta.undecided_share, 0),
    }  # fmt: skip


NONE = "No difference in {metric} is established: {value} points (95% interval {interval}, {p})"
METRIC: tuple[Sentence[MetricFacts], ...] = (
    Sentence(
        "metric.saturated",
        "Nothing can be concluded of the {metric}: on the {n} prompts with a verdict in both, all verdicts "
        "are the same.",
        when=lambda facts: facts.delta.saturated, fields=_figures,
    ),
    Sentence(
        "metric.differs",
        "The {metric} of {run} is {size} points {way} than {base}'s (95% interval {interval}, {p}).",
        when=lambda facts: facts.established, fields=_figures, error=0.05,
    ),
    Sentence(
        "metric.equivalent", NONE + "; the two are equivalent within {margin} points.",
        when=lambda facts: facts.delta.equivalent, fields=_figures, error=0.05,
    ),
    Sentence(
        "metric.judge_undecided",
        NONE + "; the judge is undecided on {share}% of the verdicts, so that equivalence is not shown, either.",
        when=lambda facts: not facts.delta.tells, fields=_figures,
    ),
    Sentence(
        "metric.undecided", NONE + "; this pair would show {detectable} points or more with 80% power.",
        when=lambda facts: detectable(facts.delta) is not None, fields=_figures,
    ),
    Sentence("metric.too_few", NONE + ".", when=lambda facts: not facts.established, fields=_figures),
)  # fmt: skip
