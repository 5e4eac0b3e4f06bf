"""The paired comparison of two finished runs, and its figures under their MLflow names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from alpacabench.analysis.compare.reasons import reasons
from alpacabench.analysis.compatible import require_comparable
from alpacabench.analysis.decision import MARGIN, claim_p, differs
from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.length_fits import Fits, fit_runs
from alpacabench.analysis.numerics import of_pair
from alpacabench.analysis.run_settings import differing, words
from alpacabench.analysis.sentences import given
from alpacabench.analysis.sentences.numerics import findings as say_numerics

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable
    from alpacabench.scoring.paired import Delta, Flips
    from alpacabench.scoring.win_rate import WinRate

RATE_FIELDS = ("win_rate", "standard_error", "win_rate_ci_low", "win_rate_ci_high", "discrete_win_rate", "n_total")


@dataclass(frozen=True, slots=True)
class Flip:
    """A prompt whose winner changed."""

    base: Item
    run: Item
    reasons: tuple[str, ...]

    @property
    def won(self) -> bool:
        """Whether the run wins what the base did not."""
        return self.run.preference > 1.5

    def as_json(self) -> dict[str, Any]:
        """Return the flip with both answers."""
        return {
            "instruction": self.run.instruction,
            "direction": "loss_to_win" if self.won else "win_to_loss",
            "preference_base": self.base.preference,
            "preference": self.run.preference,
            "reasons": list(self.reasons),
            "output_base": self.base.shown,
            "output": self.run.shown,
            "reference": self.run.reference,
        }


@dataclass(frozen=True)
class Comparison:
    """A run against its base, on the prompts that have a verdict in both; rates in percentage points."""

    base: FinishedRun
    run: FinishedRun
    rates: tuple[WinRate, WinRate]
    """Of the base and of the run."""
    delta_wr: Delta
    lc: Fits
    delta_lc: Delta | None
    flips: Flips
    flipped: tuple[Flip, ...]
    """The clearest first."""
    notes: tuple[str, ...]
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What was chosen otherwise: key to the base's value and the run's; empty where the files do not tell."""

    @property
    def scored(self) -> list[tuple[Item, Item]]:
        """The prompts with a verdict in both runs, in the base's order."""
        return _scored(self.base, self.run)

    @property
    def established(self) -> bool:
        """Whether the win rates are shown to differ."""
        return differs(claim_p(self.delta_wr))

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The difference in points over all prompts, missing verdicts at their worst for the run and at their best.

        None where none is missing.
        """
        from alpacabench.scoring.paired import difference_bounds

        return difference_bounds(*_in_one_order(self.base, self.run))

    @property
    def raw_minus_lc(self) -> Estimate | None:
        """The raw difference minus the length-controlled one, paired by prompt; None without the latter.

        Two significances do not test it: one difference may be established and the other not, and both be the same.
        """
        if self.delta_lc is None:
            return None
        from alpacabench.scoring.small_sample import mean_of

        influence = self.delta_wr.influence - self.delta_lc.influence
        value = self.delta_wr.estimate - self.delta_lc.estimate
        low, high = mean_of(value + influence - influence.mean()).interval()
        return Estimate(value, low, high)

    def metrics(self) -> dict[str, float]:
        """Return the figures of the pair under their MLflow names."""
        figures = self.delta_wr.metrics("wr") | {
            "delta_p": self.delta_wr.p_value,
            "delta_p_sign_flip": self.delta_wr.p_sign_flip,
            "delta_se_unpaired": self.delta_wr.standard_error_unpaired,
            "equivalence_p": self.delta_wr.equivalence_p,
            "mde_80_paired": self.delta_wr.mde_80,
            "flip_rate": self.flips.flip_rate,
            "win_to_loss": self.flips.win_to_loss,
            "loss_to_win": self.flips.loss_to_win,
            "mcnemar_p": self.flips.mcnemar_p,
        }
        if bounds := self.bounds:
            figures["delta_bound_low"], figures["delta_bound_high"] = bounds
        if self.delta_lc:
            name = "lc" if self.lc.metric == "length_controlled_winrate" else "lc_noreg"
            figures |= self.delta_lc.metrics(name)
            figures[f"delta_{name}_p"] = self.delta_lc.p_value
            figures[f"delta_{name}_se_unpaired"] = self.delta_lc.standard_error_unpaired
        if part := self.raw_minus_lc:
            figures |= {"delta_wr_minus_lc": part.value}
            if part.interval:
                figures["delta_wr_minus_lc_ci_low"], figures["delta_wr_minus_lc_ci_high"] = part.interval
        return figures

    def as_json(self) -> dict[str, Any]:
        """Return everything; a figure that does not exist is null."""
        content = {
            "base": self._side(0),
            "run": self._side(1),
            "metrics": self.metrics() | {"equivalent": self.delta_wr.equivalent},
            "margin": self.delta_wr.margin,
            "equivalent": self.delta_wr.equivalent,
            "established": self.established,
            "saturated": self.delta_wr.saturated,
            "undecided_share": self.delta_wr.undecided_share,
            "differences": {key: list(values) for key, values in self.differences.items()},
            "refused": {"length_controlled_winrate": self.lc.refused} if self.lc.refused else {},
            "notes": list(self.notes),
            "flipped": [flip.as_json() for flip in self.flipped],
        }
        return {key: _finite(value) for key, value in content.items()}

    def _side(self, side: int) -> dict[str, Any]:
        run = (self.base, self.run)[side]
        rate = asdict(self.rates[side])
        figures = {name: rate[name] for name in RATE_FIELDS}
        from alpacabench.scoring.win_rate import missing_bounds

        if bounds := missing_bounds(run.preferences):
            figures["win_rate_bound_low"], figures["win_rate_bound_high"] = bounds
        if self.lc.fits:
            figures |= self.lc.fits[side].metrics()
        return {"name": run.name, "origin": run.origin, "judge": run.judge, "reference": run.reference, **figures}


def compare(
    base: FinishedRun, run: FinishedRun, table: DifficultyTable | None = None, margin: float = MARGIN
) -> Comparison:
    """Compare two runs prompt by prompt.

    Args:
        base: what the run is compared with.
        run: the differences are the run's minus the base's.
        table: prompt difficulties, for the regularised length control.
        margin: points within which the two count as equivalent.

    Raises:
        DataError: other judge, reference, prompts or slots, or fewer than two prompts with a verdict in both.

    """
    from alpacabench.scoring.paired import compare_win_rates, compare_winners
    from alpacabench.scoring.win_rate import score_win_rate

    require_comparable(base, run)
    differences = differing(base.settings, run.settings)
    if base.name == run.name:
        # Jobs of one sweep are named as there.
        chosen = differing(base.params, run.params) or differences
        base, run = (_renamed(one, words(chosen, side)) for side, one in enumerate((base, run)))
    columns = (base.instructions, base.preferences, run.instructions, run.preferences)
    delta, flips = compare_win_rates(*columns, margin=margin), compare_winners(*columns)
    known = [before.instruction for before, _ in _scored(base, run)]
    base_known, run_known = base.only(known), run.only(known)
    lc = fit_runs([base_known, run_known], table)
    return Comparison(
        base=base,
        run=run,
        rates=(score_win_rate(base_known.preferences), score_win_rate(run_known.preferences)),
        delta_wr=delta,
        lc=lc,
        delta_lc=_length_controlled(lc, delta, margin),
        flips=flips,
        flipped=_flipped(base, run, flips.flipped),
        notes=(*_notes(base, run, len(known)), *say_numerics(of_pair(base, run))),
        differences=differences,
    )


def _length_controlled(lc: Fits, raw: Delta, margin: float) -> Delta | None:
    from alpacabench.scoring.paired import compare_length_controlled

    return compare_length_controlled(lc.fits[0], lc.fits[1], margin).from_verdicts_of(raw) if lc.fits else None


def _scored(base: FinishedRun, run: FinishedRun) -> list[tuple[Item, Item]]:
    pairs = [(item, run.items[text]) for text, item in base.items.items()]
    return [(a, b) for a, b in pairs if not math.isnan(a.preference + b.preference)]


def _flipped(base: FinishedRun, run: FinishedRun, instructions: Sequence[str]) -> tuple[Flip, ...]:
    pairs = [(base.items[text], run.items[text]) for text in instructions]
    pairs.sort(key=lambda pair: (-abs(pair[1].preference - pair[0].preference), pair[0].instruction))
    return tuple(Flip(before, after, reasons(before, after)) for before, after in pairs)


def slot_notes(base: FinishedRun, run: FinishedRun) -> tuple[str, ...]:
    """Return what is assumed about the order in which the two answers were shown."""
    return tuple(given.of_pair(given.Pair(len(base.items), slots_unknown=_slots_unknown(base, run))))


def _slots_unknown(base: FinishedRun, run: FinishedRun) -> bool:
    return any(item.slots is None for one in (base, run) for item in one.items.values())


def _in_one_order(base: FinishedRun, run: FinishedRun) -> tuple[list[float], list[float]]:
    return base.preferences, [run.items[text].preference for text in base.items]


def _notes(base: FinishedRun, run: FinishedRun, known: int) -> tuple[str, ...]:
    from alpacabench.scoring.paired import difference_bounds

    prompts, bounds = len(base.items), difference_bounds(*_in_one_order(base, run))
    return tuple(given.of_pair(given.Pair(prompts, prompts - known, bounds, _slots_unknown(base, run))))


def _renamed(run: FinishedRun, chosen: str) -> FinishedRun:
    """Return the run under a name that says what is special about it, or where it is."""
    return replace(run, name=f"{run.name} ({chosen or run.origin})")


def _finite(value: Any) -> Any:
    """Return the value with NaN and infinities as None: JSON has neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
