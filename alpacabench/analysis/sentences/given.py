"""What runs were given to compare, and what of it a reader must know: other prompts, judges, missing verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from alpacabench.analysis.estimate import count, decimal
from alpacabench.core.sentence import Sentence, every


@dataclass(frozen=True, slots=True)
class Jobs:
    """What the jobs of a sweep have in common, and what not."""

    n_shared: int
    other_prompts: bool = False
    """Whether a job has prompts that another lacks."""
    n_judges: int = 1
    missing: int = 0
    """Verdicts on the shared prompts."""
    n_scored: int = 2
    """Prompts with a verdict in every job."""
    base: int | None = None
    """The base's number, where it has no result."""
    objective: str = ""
    """The metric that was to decide, where it is not given for every job."""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """What two runs have in common, and what not."""

    prompts: int
    left_out: int = 0
    """Prompts that lack a verdict in one of them."""
    bounds: tuple[float, float] | None = None
    """The difference over all prompts, at worst and at best for the run."""
    slots_unknown: bool = False
    lc_refused: str = ""
    """Why there is no length-controlled win rate."""


def of_jobs(jobs: Jobs) -> list[str]:
    """Return what a reader of the sweep must know."""
    return every(JOBS, jobs)


def of_pair(pair: Pair) -> list[str]:
    """Return what a reader of the comparison must know."""
    return every(PAIR, pair)


JOBS: tuple[Sentence[Jobs], ...] = (
    Sentence(
        "jobs.prompts", "The jobs differ in their prompts: they are compared on the {n} that all share.",
        when=lambda jobs: jobs.other_prompts, fields=lambda jobs: {"n": jobs.n_shared},
    ),
    Sentence(
        "jobs.judges", "The jobs have {n} judges: a difference between two judges is not one between two settings.",
        when=lambda jobs: jobs.n_judges > 1, fields=lambda jobs: {"n": jobs.n_judges},
    ),
    Sentence(
        "jobs.missing", "{n} verdicts are missing; a comparison leaves out the prompts that lack one.",
        when=lambda jobs: jobs.missing > 0, fields=lambda jobs: {"n": jobs.missing},
    ),
    Sentence(
        "jobs.few", "Fewer than two prompts have a verdict in every job: nothing can be compared.",
        when=lambda jobs: jobs.n_scored < 2,
    ),
    Sentence(
        "jobs.objective", "{objective} is not given for every job ({reason}): the win rate decides.",
        when=lambda jobs: bool(jobs.objective),
        fields=lambda jobs: {"objective": jobs.objective, "reason": jobs.refused},
    ),
    Sentence(
        "jobs.no_base", "The base, job {base}, has no result: no differences are given.",
        when=lambda jobs: jobs.base is not None, fields=lambda jobs: {"base": jobs.base},
    ),
)  # fmt: skip


def _bounds(pair: Pair) -> dict[str, str]:
    low, high = pair.bounds or (0.0, 0.0)
    return {"low": decimal(low, 2, True), "high": decimal(high, 2, True)}


PAIR: tuple[Sentence[Pair], ...] = (
    Sentence(
        "given.left_out", "{left_out} of {prompts} prompts lack a verdict in one run: left out",
        when=lambda pair: pair.left_out > 0,
        fields=lambda pair: {"left_out": count(pair.left_out), "prompts": count(pair.prompts)},
    ),
    Sentence(
        "given.bounds",
        "over all prompts the difference in win rate is between {low} points, were the run to lose what it lacks and "
        "the base to win what it lacks, and {high} points, were it the other way round",
        when=lambda pair: pair.bounds is not None, fields=_bounds,
    ),
    Sentence(
        "given.slots",
        "the slots of some prompts are unknown (no verdicts.jsonl): assumed to be the same in both",
        when=lambda pair: pair.slots_unknown,
    ),
    Sentence(
        "given.no_lc", "No length_controlled_winrate: {reason}",
        when=lambda pair: bool(pair.lc_refused), fields=lambda pair: {"reason": pair.lc_refused},
    ),
)  # fmt: skip
