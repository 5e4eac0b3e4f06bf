"""Prompts that a model writes and checks, each asked once through the store, like any other answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from alpacabench.core.errors import GenerationError, Problem
from alpacabench.core.records import Generation, Prompt
from alpacabench.cost.expected import Expected
from alpacabench.decoding import Decoding
from alpacabench.inference.spec import ModelSpec
from alpacabench.io.rows import shorten
from alpacabench.model.base import Model
from alpacabench.perturbation.base import Perturbation
from alpacabench.perturbation.written import CHECKING, WrittenVariants
from alpacabench.sharding import Sharding
from alpacabench.store.ask_once import AnswerStore

log = logging.getLogger(__name__)

SHOWN = 5
"""How many prompts a message names."""


@dataclass(frozen=True)
class Wordings:
    """The prompts as the model will see them, and what was asked to get them."""

    prompts: list[Prompt]
    generations: list[Generation] = field(default_factory=list)
    """The writer's and the checker's answers."""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class PlannedWordings:
    """What writing and checking would take, for `plan=true`."""

    prompts: list[Prompt]
    """Those that are known already."""
    unwritten: list[Prompt]
    """Those whose text is not known yet; their original text stands in."""
    known: set[str]
    """Store keys of what is answered already."""
    missing: dict[str, Expected]
    models: set[ModelSpec] = field(default_factory=set)
    """The models that would have to be loaded for it."""


def problems(perturbation: Perturbation) -> Iterator[Problem]:
    """Yield what would make the writer or the checker fail later, each under its own key."""
    if not isinstance(perturbation, WrittenVariants):
        return
    for role, decoding in (("writer", perturbation.decoding), ("checker", CHECKING)):
        model = getattr(perturbation, role)
        if model is None:
            continue
        where = f"perturbation.{role}"
        if not isinstance(model, Model):
            yield Problem(where, f"given a {type(model).__name__}", f"choose a model: model@{where}=OPTION")
            continue
        for problem in (*model.problems(), *model.check_with(decoding, Sharding())):
            group, _, key = problem.where.partition(".")
            yield replace(problem, where=f"{where}.{key}" if group == "model" else f"perturbation.{problem.where}")


def paid_models(perturbation: Perturbation) -> list[tuple[str, str]]:
    """Return the key and the name of each model with a price that the perturbation asks."""
    roles = ("writer", "checker") if isinstance(perturbation, WrittenVariants) else ()
    asked = [(role, getattr(perturbation, role)) for role in roles]
    return [
        (f"perturbation.{role}.{key.partition('.')[2]}", name)
        for role, model in asked
        if isinstance(model, Model)
        for key, name in model.paid_models()
    ]


def endings(perturbation: Perturbation) -> list[str]:
    """Return a warning for each model that the perturbation asks and that its provider will soon shut down."""
    roles = ("writer", "checker") if isinstance(perturbation, WrittenVariants) else ()
    asked = [(role, getattr(perturbation, role)) for role in roles]
    return [
        f"perturbation.{role}.{warning.partition('.')[2]}"
        for role, model in asked
        if isinstance(model, Model)
        for warning in model.endings()
    ]


def write(
    perturbation: Perturbation, prompts: Sequence[Prompt], sharding: Sharding, store: AnswerStore, max_failures: float
) -> Wordings:
    """Return the prompts with their variants written and checked, where the perturbation has models for that.

    Raises:
        GenerationError: the server refuses, or more than `max_failures` of the variants are missing.

    """
    if not isinstance(perturbation, WrittenVariants):
        return Wordings(list(prompts))
    found, made = list(prompts), []
    if perturbation.writes:
        requests = [perturbation.request(prompt) for prompt in prompts]
        log.info("The prompts are %s", perturbation.author)
        made = _ask(perturbation.writer, requests, perturbation.decoding, sharding, store)
        _require(made, max_failures)
        found = [
            perturbation.written(p.example, answers) for p, answers in zip(prompts, _by(prompts, made), strict=True)
        ]
    if perturbation.checker is not None:
        open_ = _to_check(found)
        questions = [question for prompt in open_ for question in perturbation.questions(prompt)]
        said = _ask(perturbation.checker, questions, CHECKING, sharding, store)
        checked = {
            prompt.example.index: perturbation.checked(prompt, answers)
            for prompt, answers in zip(open_, _by(open_, said), strict=True)
        }
        found = [checked.get(prompt.example.index, prompt) for prompt in found]
        made = [*made, *said]
    return Wordings(found, made, list(_warnings(found)) if made else [])


def planned(perturbation: Perturbation, prompts: Sequence[Prompt], store: AnswerStore) -> PlannedWordings:
    """Return what is written and checked already, and what is still to be asked."""
    found = PlannedWordings(list(prompts), [], set(), {})
    if not isinstance(perturbation, WrittenVariants):
        return found
    if perturbation.writes:
        answers = _plan(
            perturbation.writer, list(map(perturbation.request, prompts)), perturbation.decoding, store, found
        )
        complete = {i for i, given in answers.items() if len(given) == perturbation.decoding.n}
        found.unwritten.extend(prompt for prompt in prompts if prompt.example.index not in complete)
        found.prompts[:] = [
            perturbation.written(p.example, answers[p.example.index]) for p in prompts if p.example.index in complete
        ]
    if perturbation.checker is not None:
        # Any other text stands in for one that is not written yet, so that both directions count.
        stand_ins = [replace(prompt, text=f"{prompt.text}?") for prompt in found.unwritten]
        open_ = [*_to_check(found.prompts), *stand_ins]
        questions = [question for prompt in open_ for question in perturbation.questions(prompt)]
        _plan(perturbation.checker, questions, CHECKING, store, found)
    return found


def _plan(
    model: object, prompts: list[Prompt], decoding: Decoding, store: AnswerStore, found: PlannedWordings
) -> dict[int, list[Generation]]:
    """Note what the model would be asked; returns the answers that exist, by example."""
    assert isinstance(model, Model)
    held, missing = model.known(prompts, decoding, store)
    found.known.update(generation.key for generation in held if generation.key)
    if missing:
        found.models.update(model.models_to_load())
    found.missing.update((request.key, model.expected(request, decoding)) for request in missing)
    answers: dict[int, list[Generation]] = {}
    for generation in held:
        answers.setdefault(generation.prompt.example.index, []).append(generation)
    return answers


def _ask(
    model: object, prompts: list[Prompt], decoding: Decoding, sharding: Sharding, store: AnswerStore
) -> list[Generation]:
    if not prompts:
        return []
    assert isinstance(model, Model)
    fits = sharding if sharding.mode in model.sharding_modes else Sharding()
    return model.generate(prompts, decoding, fits, store)


def _to_check(prompts: Sequence[Prompt]) -> list[Prompt]:
    return [prompt for prompt in prompts if prompt.same_task and not prompt.unchanged]


def _by(prompts: Sequence[Prompt], generations: Sequence[Generation]) -> list[Sequence[Generation]]:
    """Return each prompt's answers; they come in the order of the prompts, equally many for each."""
    each = len(generations) // max(1, len(prompts))
    return [generations[i * each : (i + 1) * each] for i in range(len(prompts))]


def _require(generations: Sequence[Generation], max_failures: float) -> None:
    failed = [generation for generation in generations if generation.text is None]
    if len(failed) <= max_failures * len(generations):
        return
    rows = "\n".join(f"    row {g.prompt.example.index}: {g.failure}" for g in failed[:SHOWN])
    raise GenerationError(
        f"perturbation.writer: {len(failed)} of {len(generations)} variants were not written "
        f"(allowed: {max_failures:.1%} by max_failures)\n{rows}\n"
        "    what was written is kept: the same command asks only for what is missing"
    )


def _warnings(prompts: Sequence[Prompt]) -> Iterator[str]:
    rejected = [prompt for prompt in prompts if not prompt.same_task]
    if rejected:
        first = rejected[0]
        yield (
            f"{len(rejected)} of {len(prompts)} variants are rejected: they may not ask for the same task "
            f"(the first, row {first.example.index}: {shorten(first.text)}: {'; '.join(first.gate_reasons[:2])}). "
            "This run's win rate counts them; an ablation leaves them out"
        )
