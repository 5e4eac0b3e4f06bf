"""The whole story of one run: load, subset, perturb, generate, judge, score.

Only this module knows the order of the stages. Records go in, records come out, and nothing flows back.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from alpacabench import inference
from alpacabench.checks.answers import check_answers, limit_problems
from alpacabench.core.component import require
from alpacabench.core.context import owned
from alpacabench.core.errors import DataError, GenerationError, JudgeError
from alpacabench.core.records import Example, Generation, Outcome, Prompt, Verdict
from alpacabench.cost.usage import Usage, usage
from alpacabench.dataset.base import card
from alpacabench.io.rows import shorten
from alpacabench.judge.slot import moved_share
from alpacabench.rewording import by_model
from alpacabench.run.experiment import Experiment
from alpacabench.run.inherited import as_first_released
from alpacabench.run.pairs import canary_pairs, pairs, probe
from alpacabench.run.tooled import row_problems, tooled
from alpacabench.scoring import metric
from alpacabench.scoring.scoring import Difficulties, Scores
from alpacabench.scoring.tool_use import tool_figures
from alpacabench.scoring.violations import failures, passed, violations
from alpacabench.store import speed
from alpacabench.store.ahead import Ahead
from alpacabench.store.payload import Kind
from alpacabench.store.store import Store
from alpacabench.subset import subset_hash

log = logging.getLogger(__name__)

SHOWN = 5
"""How many failed prompts a message names."""


@dataclass(frozen=True)
class Inputs:
    """What a run works on, known before anything expensive starts."""

    prompts: list[Prompt]
    examples: list[Example]
    """The full data set."""
    difficulties: Difficulties
    dataset: dict[str, object]
    """The data set's card."""
    subset_hash: str


@dataclass(frozen=True)
class Evaluation:
    """All that one run found out."""

    inputs: Inputs
    outcomes: list[Outcome]
    scores: Scores
    usage: Usage
    canaries: list[Verdict] = field(default_factory=list)
    """Verdicts on pairs with a known answer, in no score."""
    stopped: str | None = None
    """Why it was stopped before its last prompt."""

    @property
    def metrics(self) -> dict[str, float]:
        """The scores and what the run did and cost, as one flat mapping."""
        skipped = {"n_skipped": len(self.inputs.prompts) - len(self.outcomes)} if self.stopped else {}
        return self.scores.metrics | self.usage.metrics() | skipped


@dataclass
class Answered:
    """Answers and verdicts, round by round."""

    prompts: list[Prompt] = field(default_factory=list)
    generations: list[Generation] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    canaries: list[Verdict] = field(default_factory=list)
    generate_seconds: float = 0.0
    judge_seconds: float = 0.0
    stopped: str | None = None

    def outcomes(self, judged: bool = True) -> list[Outcome]:
        """Return one outcome per prompt, in the data set's order; `judged` says whether there is a judge."""
        ordered = sorted(self.prompts, key=lambda prompt: prompt.example.index)
        joined = join(ordered, self.generations, self.verdicts)
        return joined if judged else [replace(outcome, judged=False) for outcome in joined]


class Stopping(Protocol):
    """Looks at a run between rounds of prompts."""

    def rounds(self, prompts: Sequence[Prompt]) -> list[list[Prompt]]:
        """Return the prompts in the parts between which the run is looked at."""

    def verdict(self, outcomes: Sequence[Outcome], total: int) -> str | None:
        """Return why the run is stopped after these of `total` prompts; None where it goes on."""


def prepare(experiment: Experiment) -> Inputs:
    """Load the data, choose the subset and write the prompts.

    Raises:
        DataError: a file cannot be used, or a prompt has no reference.
        ConfigError: the subset asks for what the data does not have.

    """
    dataset, scoring = experiment.dataset, experiment.scoring
    examples, empty = _gaps(dataset.load(), dataset.empty_is_missing)
    require(list(limit_problems(experiment.checks, examples, dataset.path or dataset.name)))
    require(list(row_problems(experiment, examples, dataset.path or dataset.name)))
    require(list(experiment.model.check_examples(examples)))
    difficulties = scoring.difficulties(examples, dataset.has_difficulty)
    chosen = experiment.subset.choose(examples, difficulties.by_instruction)
    if experiment.judge.compares and not experiment.model.allow_missing:
        _require_references(chosen, empty, dataset.how_to_refer)
    prompts = tooled(experiment, experiment.perturbation.apply(chosen))
    return Inputs(prompts, examples, difficulties, card(dataset, examples), subset_hash(chosen))


def evaluate(experiment: Experiment, inputs: Inputs, store: Store, stopping: Stopping | None = None) -> Evaluation:
    """Generate, judge and score; in rounds of prompts where something may stop the run.

    Raises:
        StageError: a stage could not finish; what it had is in the store.

    """
    judge = experiment.judge
    probed = probe(experiment, inputs.prompts, store)
    loaded = _loads()
    wordings = by_model.write(
        experiment.perturbation, inputs.prompts, experiment.sharding, store, experiment.settings.max_failures
    )
    inputs = replace(inputs, prompts=tooled(experiment, wordings.prompts))
    answered = answer(experiment, inputs.prompts, store, stopping)
    outcomes = check_answers(experiment.checks, answered.outcomes(judge.compares), store)
    strata = experiment.subset.strata_of(inputs.examples, inputs.difficulties.by_instruction)
    scores = experiment.scoring.score(outcomes, inputs.examples, inputs.difficulties, judge.label, strata)
    own = metric.compute(experiment.metrics, outcomes)
    scores.metrics.update(own.values)
    scores.refused.update(own.refused)
    if experiment.tools:
        scores.metrics.update(tool_figures(outcomes, experiment.decoding.n))
    scores.metrics.update(violations(outcomes, list(experiment.checks)))
    for name, check in experiment.checks.items():
        scores.metrics.update(check.figures(passed(outcomes, name)))
    scores.warnings.extend(f"checks.{name}: {cause}" for name, cause in failures(outcomes).items())
    if len(known := canary_pairs(experiment, inputs.prompts)) < judge.canaries:
        scores.warnings.append(f"judge.canaries={judge.canaries}, but these prompts give {len(known)}")
    scores.warnings.extend(f"no {name}: {reason}" for name, reason in own.refused.items())
    scores.warnings.extend(filter(None, [answered.stopped, judge.caution, *wordings.warnings, *experiment.endings()]))
    texts = ((prompt.example.instruction, prompt.seen) for prompt in inputs.prompts)
    if judge.instruction == "perturbed" and (moved := moved_share(texts, judge.seed)) is not None:
        scores.warnings.append(
            "the judge reads the perturbed instruction, so a change of the verdict may be a change of the question; "
            f"slots stay those of the original instruction (alpaca_eval would move {moved:.0%} of the changed prompts)"
        )
    spent = usage(
        answered.generations,
        [*answered.verdicts, *answered.canaries, *probed],
        generate_seconds=answered.generate_seconds,
        judge_seconds=answered.judge_seconds,
        model_loads=_loads() - loaded,
        peak_memory_bytes=inference.peak_bytes(),
        wordings=wordings.generations,
        checked=[one for outcome in outcomes for one in outcome.checked],
    )
    _note_speeds(experiment, spent, store)
    return Evaluation(inputs, outcomes, scores, spent, answered.canaries, answered.stopped)


def _note_speeds(experiment: Experiment, spent: Usage, store: Store) -> None:
    """Remember how fast the answers and the verdicts came, for the next plan."""
    if not (spent.n_generated or spent.n_judged):
        return
    speeds, asked = speed.Speeds(store.engine), as_first_released(experiment.resolved, experiment.choices)
    speeds.note(speed.writer(asked["model"], asked["sharding"]), spent.completion_tokens, spent.generate_seconds)
    speeds.note(speed.reader(asked["judge"]), spent.n_judged, spent.judge_seconds)


def answer(experiment: Experiment, prompts: list[Prompt], store: Store, stopping: Stopping | None) -> Answered:
    """Generate and judge: all prompts at once, or round by round until the run is stopped."""
    judge, answered = experiment.judge, Answered()
    known = canary_pairs(experiment, prompts)
    for part in stopping.rounds(prompts) if stopping else [prompts]:
        start = _clock("generation")
        generations = experiment.model.generate(part, experiment.decoding, experiment.sharding, store)
        answered.generate_seconds += _clock("generation") - start
        start = _clock("verdict")
        # Known answers are judged among the first prompts, so that a run that is stopped has them, too.
        verdicts = judge.judge([*pairs(generations, judge.instruction), *known], store)
        answered.judge_seconds += _clock("verdict") - start
        answered.verdicts += [verdict for verdict in verdicts if not verdict.pair.canary]
        answered.canaries += [verdict for verdict in verdicts if verdict.pair.canary]
        known = []
        answered.prompts += part
        answered.generations += generations
        if stopping and (reason := stopping.verdict(answered.outcomes(), len(prompts))):
            answered.stopped = reason
            break
    return answered


def _clock(kind: Kind) -> float:
    """Return seconds of which differences are what asking took, also of what was asked ahead of the job."""
    return time.monotonic() + owned(Ahead).seconds[kind]


def _loads() -> int:
    """Return how many models were loaded so far; one that was loaded ahead counts where its first answer is read."""
    return inference.loads() + owned(Ahead).loads


def join(prompts: Sequence[Prompt], generations: Sequence[Generation], verdicts: Sequence[Verdict]) -> list[Outcome]:
    """Return one outcome per prompt, in order, with all its generations and verdicts."""
    answers: dict[int, list[Generation]] = defaultdict(list)
    judged: dict[int, list[Verdict]] = defaultdict(list)
    for generation in generations:
        answers[generation.prompt.example.index].append(generation)
    for verdict in verdicts:
        judged[verdict.pair.example.index].append(verdict)
    return [Outcome(p, tuple(answers[p.example.index]), tuple(judged[p.example.index])) for p in prompts]


def require_scores(evaluation: Evaluation, max_failures: float, allow_missing: bool) -> None:
    """Fail a run in which too many prompts have no score; nothing that it has is lost.

    Raises:
        GenerationError: too many answers are missing.
        JudgeError: too many verdicts are missing.

    """
    failed = [o for o in evaluation.outcomes if o.failure and not _allowed(o, allow_missing)]
    share = len(failed) / len(evaluation.outcomes)
    if share <= max_failures:
        return
    unanswered = [o for o in failed if o.output is None]
    kind, error = ("answer", GenerationError) if len(unanswered) * 2 > len(failed) else ("verdict", JudgeError)
    rows = "\n".join(f"    row {o.example.index}: {o.failure}" for o in failed[:SHOWN])
    raise error(
        f"{len(failed)} of {len(evaluation.outcomes)} prompts have no {kind} ({share:.1%}; allowed: {max_failures:.1%} "
        f"by max_failures)\n{rows}\n    what was answered is kept: the same command asks only for what is missing"
    )


def _allowed(outcome: Outcome, allow_missing: bool) -> bool:
    """Whether the score is missing because the file has no reference, as `prepare` allowed, or no answer."""
    recorded = any(g.failure and not g.key for g in outcome.generations)
    return outcome.example.reference is None or (allow_missing and recorded)


def _gaps(examples: list[Example], empty_is_missing: bool) -> tuple[list[Example], set[int]]:
    """Return the examples with None for an empty reference that is a gap, and the indices of those."""
    given = [(e, e.references or (e.reference,)) for e in examples if empty_is_missing]
    empty = {e.index for e, texts in given if any(text is not None and not text.strip() for text in texts)}
    return [replace(e, reference=None, references=()) if e.index in empty else e for e in examples], empty


def _require_references(examples: Sequence[Example], empty: set[int], remedy: str) -> None:
    """Refuse prompts without a reference; a few that are there and empty are left out of the score, and named."""
    missing = [example for example in examples if example.reference is None]
    if missing:
        few = 2 * len(missing) < len(examples) and all(example.index in empty for example in missing)
        rows = "\n".join(f"    row {e.index + 1}: {shorten(e.instruction)}" for e in missing[:SHOWN])
        if few:
            what = "of %d reference answers are empty: anything would win against them, so they count in n_failed"
            log.warning("%d " + what + "\n%s", len(missing), len(examples), rows)
            return
        raise DataError(
            f"dataset.reference: {len(missing)} of {len(examples)} prompts have no reference answer:\n{rows}\n"
            f"    {remedy}; "
            "model.allow_missing=true leaves these prompts out of the score"
        )
