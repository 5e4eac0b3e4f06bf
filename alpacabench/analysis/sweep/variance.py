"""Where the noise of one verdict comes from: prompts, decoding seed, judge, slot; as far as there are replicates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, pvariance, variance
from typing import NamedTuple

from alpacabench.analysis.sweep.effects import is_seed
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep
from alpacabench.io.rows import read_rows

VERDICTS = "verdicts.jsonl"

SLOT = "slot"
LEVELS = ("prompts", "decoding seed", "judge", SLOT, "judge repeat")
"""From the coarsest down; a verdict's key holds the setting and then one part for each of them."""

Key = tuple[object, ...]


class Mean(NamedTuple):
    """The mean of what lies below a key, and the variance that the levels below put into it."""

    value: float
    noise: float


def variance_split(sweep: ScoredSweep, axes: Sequence[str]) -> dict[str, float]:
    """Return the share in percent of each component in the variance of one verdict.

    Estimated by moments from the finest level up: the sample variance of the means within a group, less what the finer
    levels put into them, averaged over groups; below 0 counts as 0. Levels without replicates are left out, and their
    variance stays in the next level above. Empty where there is no replicate at all. The two slots are no sample: they
    are all that there are, so that their divisor is k, and they put no noise into the levels above.
    """
    means: dict[Key, Mean] = {}
    for job in sweep.jobs:
        means |= {key: Mean(y, 0.0) for key, y in _verdicts(job, axes)}
    components: dict[str, float] = {}
    for level in reversed(LEVELS):
        groups: dict[Key, list[Mean]] = defaultdict(list)
        for key, mean in means.items():
            groups[key[:-1]].append(mean)
        component = _component(groups, sample=level != SLOT)
        if component is not None:
            components[level] = component
        carried = 0.0 if level == SLOT else component or 0.0
        means = {key: _pooled(group, carried) for key, group in groups.items()}
    total = sum(components.values())
    if len(components) < 2 or total == 0:
        return {}
    return {level: components[level] / total * 100 for level in LEVELS if level in components}


def seed_spread(sweep: ScoredSweep, axes: Sequence[str]) -> float | None:
    """Return the standard deviation in points of the win rate between jobs that differ only in a seed."""
    groups: dict[Key, list[float]] = defaultdict(list)
    for job, y in zip(sweep.jobs, sweep.outcomes(), strict=True):
        groups[_values(job, [axis for axis in axes if not is_seed(axis)])].append(float(y.mean()) * 100)
    spreads = [variance(rates) for rates in groups.values() if len(rates) > 1]
    return float(fmean(spreads) ** 0.5) if spreads else None


def _component(groups: Mapping[Key, list[Mean]], sample: bool) -> float | None:
    found = []
    for group in groups.values():
        if len(group) > 1:
            values, noise = [mean.value for mean in group], fmean(mean.noise for mean in group)
            k = len(group)
            found.append(variance(values) - noise if sample else pvariance(values) - noise * (k - 1) / k)
    return max(0.0, fmean(found)) if found else None


def _pooled(group: Sequence[Mean], component: float) -> Mean:
    noise = (fmean(mean.noise for mean in group) + component) / len(group)
    return Mean(fmean(mean.value for mean in group), noise)


def _verdicts(job: ScoredJob, axes: Sequence[str]) -> Iterator[tuple[Key, float]]:
    """Yield each verdict of a job under its key; of a dialogue the mean over its turns, which are no draws of one."""
    judging = [axis for axis in axes if axis.partition(".")[0] == "judge"]
    seeds = [axis for axis in axes if is_seed(axis) and axis not in judging]
    setting = _values(job, [axis for axis in axes if axis not in (*judging, *seeds)])
    found: dict[Key, list[float]] = defaultdict(list)
    for row in read_rows(str(job.directory / VERDICTS), "verdicts"):
        if row["y"] is not None:
            seed = (*_values(job, seeds), row["sample"])
            judge = (*_values(job, judging), row["judge"])
            found[(setting, row["item_id"], seed, judge, row["slot"], row["repeat"])].append(float(row["y"]))
    yield from ((key, fmean(values)) for key, values in found.items())


def _values(job: ScoredJob, axes: Sequence[str]) -> Key:
    return tuple(job.params.get(axis, "") for axis in axes)
