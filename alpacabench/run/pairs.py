"""What a run's judge is asked about: its own pairs, those with a known answer, and a first question to its server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alpacabench.core.records import Generation, Pair, Prompt, Verdict
from alpacabench.judge.canaries import canaries, probes
from alpacabench.run.experiment import Experiment
from alpacabench.store.ahead import asked_for_this_job
from alpacabench.store.store import Store


def pairs(generations: Sequence[Generation], instruction: str) -> list[Pair]:
    """Return what the judge compares: every answer that exists, beside the reference.

    An empty answer is judged; a missing one is not. The judge sees the original instruction unless `instruction` is
    'perturbed'. A dialogue is judged once a turn, and only where it has all of its turns.
    """
    return [pair for g in generations for pair in (_turns if g.prompt.example.turns else _whole)(g, instruction)]


def _whole(g: Generation, instruction: str) -> Iterator[Pair]:
    example = g.prompt.example
    if g.text is not None and example.reference is not None:
        shown = g.prompt.text if instruction == "perturbed" else example.instruction
        yield Pair(example, shown, example.reference, g.text, g.sample, g.generator)


def _turns(g: Generation, instruction: str) -> Iterator[Pair]:
    example = g.prompt.example
    if g.text is None or len(example.references) != len(example.turns):
        return
    shown = g.prompt.turns if instruction == "perturbed" else example.turns
    for turn, (asked, reference, output) in enumerate(zip(shown, example.references, g.answers, strict=True), start=1):
        said = [message for step in g.steps if step.turn < turn for message in (*step.asked, step.message())]
        yield Pair(
            example, asked, reference, output, g.sample, g.generator,
            turn=turn, reference_before=example.before(turn), output_before=(*example.messages, *said),
        )  # fmt: skip


def canary_pairs(experiment: Experiment, prompts: Sequence[Prompt]) -> list[Pair]:
    """Return the pairs with a known answer that are judged among the run's own (`judge.canaries`)."""
    judge = experiment.judge
    return canaries([prompt.example for prompt in prompts], judge.canaries, judge.seed)


def probe_pairs(experiment: Experiment, prompts: Sequence[Prompt]) -> list[Pair]:
    """Return the pairs of which one is the first question to the judge's server; none where there is no server."""
    found = probes([prompt.example for prompt in prompts], experiment.judge.seed)
    return found if experiment.judge.probes(found) else []


def probe(experiment: Experiment, prompts: Sequence[Prompt], store: Store) -> list[Verdict]:
    """Ask the judge's server one question, where it was never asked and has something to judge; never scored.

    Raises:
        JudgeError: it is not there, or cannot do what is asked of it; nothing was generated.

    """
    judge, first = experiment.judge, probe_pairs(experiment, prompts)
    held = store.get("verdict", [question.key for question in judge.probes(first)]) if first else {}
    if asked_for_this_job("verdict", held):
        return judge.probe(first, store)
    if not first or held:
        return []
    known, missing = experiment.model.known(prompts, experiment.decoding, store)
    if missing or judge.missing(pairs(known, judge.instruction), store):
        return judge.probe(first, store)
    return []
