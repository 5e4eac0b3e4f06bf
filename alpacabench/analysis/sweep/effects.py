"""What one swept axis does on average over the others, and how far two axes depend on each other.

Contrasts are taken prompt by prompt between jobs that differ in nothing else, so that their errors are paired. Jobs
that differ only in a seed are replicates: they are averaged, and have no effect of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.sweep.scored import ScoredSweep
from alpacabench.analysis.sweep.table import Effect
from alpacabench.io.job_names import short_params

if TYPE_CHECKING:
    from alpacabench.scoring.arrays import Floats

Cell = tuple[str, ...]
"""A job's values, one per axis."""


def is_seed(axis: str) -> bool:
    """Return whether an axis only makes replicates."""
    return axis.rpartition(".")[2] == "seed"


def effects(sweep: ScoredSweep, axes: Sequence[str]) -> tuple[Effect, ...]:
    """Return main effects, and interactions of two axes, in percentage points; Holm-adjusted over all of them.

    Each value is set against the axis's first one.
    """
    from alpacabench.scoring.multiplicity import holm
    from alpacabench.scoring.small_sample import mean_of, sign_flip_p

    axes = [axis for axis in axes if not is_seed(axis)]
    grid = _Grid.of(sweep, axes)
    contrasts = [*grid.main_effects(), *grid.interactions()]
    if not contrasts or len(contrasts[0].by_prompt) < 2:
        return ()
    p_values = [max(mean_of(c.by_prompt, c.reach).two_sided_p(), sign_flip_p(c.by_prompt)) for c in contrasts]
    return tuple(
        Effect(contrast.name, Estimate.of_differences(contrast.by_prompt, contrast.reach), float(p))
        for contrast, p in zip(contrasts, holm(p_values), strict=True)
    )


@dataclass(frozen=True)
class _Contrast:
    name: str
    by_prompt: Floats
    """In points."""
    reach: float = 100.0
    """The most that one prompt can move it by."""


@dataclass(frozen=True)
class _Grid:
    """The mean outcome of each cell, prompt by prompt, in points."""

    axes: Sequence[str]
    cells: dict[Cell, Floats]

    @classmethod
    def of(cls, sweep: ScoredSweep, axes: Sequence[str]) -> _Grid:
        import numpy as np

        rows: dict[Cell, list[Floats]] = {}
        jobs = short_params([job.params for job in sweep.jobs])
        for params, y in zip(jobs, sweep.outcomes(), strict=True):
            rows.setdefault(tuple(params.get(axis, "") for axis in axes), []).append(y * 100)
        return cls(axes, {cell: np.mean(values, axis=0) for cell, values in rows.items()})

    def values(self, axis: int) -> list[str]:
        """Return the axis's values in the order of the jobs; the first is what the others are set against."""
        return list(dict.fromkeys(cell[axis] for cell in self.cells))

    def main_effects(self) -> Iterator[_Contrast]:
        for axis, name in enumerate(self.axes):
            first, *others = self.values(axis) or [""]
            for value in others:
                pairs = [
                    self.cells[cell] - self.cells[_with(cell, axis, first)] for cell in self._pairs(axis, value, first)
                ]
                if pairs:
                    where = self._only_where(axis, {_with(cell, axis, "") for cell in self._pairs(axis, value, first)})
                    yield _Contrast(f"{name}: {value} instead of {first}{where}", _mean(pairs))

    def _pairs(self, axis: int, value: str, first: str) -> list[Cell]:
        """Return the cells of a value that have an opposite with the first one."""
        return [cell for cell in self.cells if cell[axis] == value and _with(cell, axis, first) in self.cells]

    def _only_where(self, axis: int, used: set[Cell]) -> str:
        """Return where a main effect holds, if cells are missing: it is the effect there, and no mean over all."""
        if used == {_with(cell, axis, "") for cell in self.cells}:
            return ""
        named = [
            " and ".join(f"{self.axes[other]}={at}" for other, at in enumerate(cell) if other != axis)
            for cell in sorted(used)
        ]
        return f", only where {' or '.join(named)}"

    def interactions(self) -> Iterator[_Contrast]:
        for one, other in combinations(range(len(self.axes)), 2):
            base, other_base = self.values(one)[0], self.values(other)[0]
            for value in self.values(one)[1:]:
                for other_value in self.values(other)[1:]:
                    squares = list(self._squares((one, value, base), (other, other_value, other_base)))
                    if squares:
                        name = f"{self.axes[one]}={value} x {self.axes[other]}={other_value}"
                        yield _Contrast(name, _mean(squares), reach=200.0)

    def _squares(self, one: tuple[int, str, str], other: tuple[int, str, str]) -> Iterator[Floats]:
        """Yield differences of differences, between cells that differ in nothing but these two axes."""
        (axis, value, base), (other_axis, other_value, other_base) = one, other
        for cell in self.cells:
            if cell[axis] != value or cell[other_axis] != other_value:
                continue
            corners = [
                cell,
                _with(cell, axis, base),
                _with(cell, other_axis, other_base),
                _with(_with(cell, axis, base), other_axis, other_base),
            ]
            if all(corner in self.cells for corner in corners):
                both, without_one, without_other, neither = (self.cells[corner] for corner in corners)
                yield both - without_one - without_other + neither


def _mean(contrasts: Sequence[Floats]) -> Floats:
    import numpy as np

    return np.asarray(np.mean(contrasts, axis=0))


def _with(cell: Cell, axis: int, value: str) -> Cell:
    return (*cell[:axis], value, *cell[axis + 1 :])
