"""What two runs show of each other: a difference per prompt, and how bad the missing verdicts could be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from alpacabench.analysis.compare.comparison import Comparison, slot_notes
from alpacabench.analysis.gate.decision import WORST
from alpacabench.analysis.sentences import gate
from alpacabench.core.errors import DataError

if TYPE_CHECKING:
    from alpacabench.analysis.finished_run import FinishedRun
    from alpacabench.scoring.arrays import Floats
    from alpacabench.scoring.win_rate import WinRate

Metric = Literal["win_rate", "length_controlled_winrate"]


@dataclass(frozen=True)
class Evidence:
    """A compared pair, as the gate reads it."""

    comparison: Comparison
    metric: Metric

    @property
    def base(self) -> FinishedRun:
        """What the run is compared with."""
        return self.comparison.base

    @property
    def run(self) -> FinishedRun:
        """What is to be released."""
        return self.comparison.run

    def differences(self) -> Floats:
        """Return run minus base in points, for each prompt with a verdict in both.

        Raises:
            DataError: the pair does not give the metric.

        """
        import numpy as np

        pair = self.comparison
        if self.metric == "win_rate":
            return np.array([(after.preference - before.preference) * 100 for before, after in pair.scored])
        if pair.delta_lc is None or pair.lc.metric != self.metric:
            raise DataError(f"--metric: {self.metric} is not given: {pair.lc.refused}")
        # The penalty leaves the influences a mean of their own, which is no part of the estimate.
        influence = pair.delta_lc.influence
        return pair.delta_lc.estimate + influence - np.mean(influence)

    def worst(self) -> Floats:
        """Return the least that the difference can be, for each prompt that lacks a verdict.

        The run loses what it lacks, and the base wins what it lacks. Under length control any prompt can be as bad as
        a lost one.
        """
        import numpy as np

        unscored = [(a, b) for a, b in self._preferences() if math.isnan(a + b)]
        if self.metric != "win_rate":
            return np.full(len(unscored), WORST)
        return np.array([((1 if math.isnan(b) else b) - (2 if math.isnan(a) else a)) * 100 for a, b in unscored])

    def missing(self) -> dict[str, int]:
        """Return how many prompts there are, and how many lack a verdict: in the base, the run, and in either."""
        lacks = [(math.isnan(a), math.isnan(b)) for a, b in self._preferences()]
        return {
            "prompts": len(lacks),
            "base": sum(a for a, _ in lacks),
            "run": sum(b for _, b in lacks),
            "either": sum(a or b for a, b in lacks),
        }

    def rates(self) -> tuple[WinRate, WinRate]:
        """Return the win rates of the base and the run, each on all prompts that it has a verdict for."""
        from alpacabench.scoring.win_rate import score_win_rate

        return score_win_rate(self.base.preferences), score_win_rate(self.run.preferences)

    def notes(self) -> list[str]:
        """Return what a reader must know beside the verdict."""
        return [*gate.missing(gate.Lacking(**self.missing())), *slot_notes(self.base, self.run)]

    def as_json(self) -> dict[str, Any]:
        """Return both runs, the missing verdicts and the notes."""
        sides = {
            name: {"name": side.name, "win_rate": rate.win_rate if rate.n_total else None, "n_total": rate.n_total}
            for name, side, rate in zip(("base", "run"), (self.base, self.run), self.rates(), strict=True)
        }
        return {"metric": self.metric, **sides, "missing": self.missing(), "notes": self.notes()}

    def _preferences(self) -> list[tuple[float, float]]:
        """Return the preferences of each prompt in the base and in the run."""
        return [(item.preference, self.run.items[text].preference) for text, item in self.base.items.items()]
