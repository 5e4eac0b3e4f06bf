"""Ask what several jobs will ask, before they do: all models' answers in full batches, and judges as answers arrive.

Each job then reads its answers from the store as if it had asked them itself (`store/ahead.py`). What fails here fails
its own jobs alone: they ask again, and say why in the words that they always had.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import TypeVar

from alpacabench import inference
from alpacabench.core import progress
from alpacabench.core.context import given, owned
from alpacabench.core.errors import AlpacabenchError
from alpacabench.core.progress import Whole
from alpacabench.core.records import Generation, Pair
from alpacabench.core.sweep_line import SweepLine
from alpacabench.endpoint.agreement import Agreement
from alpacabench.judge.base import Judge
from alpacabench.judge.panel import Panel
from alpacabench.model.base import Model
from alpacabench.model.request import Request
from alpacabench.model.rounds import following
from alpacabench.rewording import by_model
from alpacabench.run.experiment import Experiment
from alpacabench.run.pairs import pairs, probe
from alpacabench.run.pipeline import Inputs
from alpacabench.run.plan import Pace
from alpacabench.run.tooled import tooled
from alpacabench.sharding import Sharding
from alpacabench.store.ahead import Ahead
from alpacabench.store.ask_once import Reply, ask_once
from alpacabench.store.payload import Payload
from alpacabench.store.store import Store

log = logging.getLogger(__name__)

Item = TypeVar("Item")

END_SECONDS = 10.0
"""How long an interrupted call waits for judges to finish what is in flight."""


@dataclass
class Asker:
    """A job whose answers are to come."""

    experiment: Experiment
    requests: list[Request]
    """Those with which its prompts begin."""
    judged: bool
    """Whether its judge is asked ahead, too."""
    at_once: bool
    """Whether its judge works beside the model: not where it needs the same processor, or a whole batch."""


@dataclass
class Desk:
    """A judge that works in a thread of its own, on what has arrived since it last looked."""

    judge: Judge
    store: Store
    _arrived: SimpleQueue[list[Pair] | None] = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None

    def put(self, pairs: list[Pair]) -> None:
        """Hand over pairs."""
        self._arrived.put(pairs)

    def open(self) -> None:
        """Begin to work."""
        # A daemon: an interrupted call must not wait for a server that makes it wait.
        self._thread = threading.Thread(target=copy_context().run, args=(self._work,), name="judge", daemon=True)
        self._thread.start()

    def close(self, seconds: float | None = None) -> None:
        """Let it end what it has, for this long at most."""
        self._arrived.put(None)
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        # A server that has answered this judge is asked at once from then on; of a panel each member has its own.
        known = nullcontext() if isinstance(self.judge, Panel) else given(Agreement())
        with _left_to_jobs(f"judging with {self.judge.label}"), known:
            more = True
            while more:
                some, more = self._next()
                _judge(self.judge, some, self.store)

    def _next(self) -> tuple[list[Pair], bool]:
        """Wait for pairs; return all that have arrived, and whether there will be more."""
        found: list[Pair] = []
        item = self._arrived.get()
        while item is not None:
            found += item
            try:
                item = self._arrived.get_nowait()
            except Empty:
                return found, True
        return found, False


def ask_ahead(jobs: Sequence[tuple[Experiment, Inputs]], store: Store) -> None:
    """Ask what these jobs will ask, where that may be asked before the first of them; returns when all is settled."""
    ahead, line = owned(Ahead), owned(SweepLine)
    with given(ahead):
        askers, lost = list[Asker](), list[Judge]()
        for experiment, inputs in jobs:
            # A server that is not there is waited for once.
            if experiment.judge not in lost:
                asker = _asker(experiment, inputs, store)
                askers += [asker] if asker else []
                lost += [experiment.judge] if asker is None and experiment.settings.budget.usd is None else []
        with _left_to_jobs("counting"):
            _open(line, len(jobs), askers, store)
        with given(line, Whole), line.shown():
            _ask(askers, store)
        log.info("%s", line.text())


def ask_beside(experiment: Experiment, inputs: Inputs, store: Store) -> None:
    """Ask what one job will ask where its judge can work beside its model; else the job itself asks as quickly."""
    judge, model = experiment.judge, experiment.model
    if _works_beside(judge) and type(model).generate is Model.generate and experiment.settings.budget.usd is None:
        ask_ahead([(experiment, inputs)], store)


def _works_beside(judge: Judge) -> bool:
    """Return whether the judge may judge while a model writes: it needs neither the same processor nor all answers."""
    return bool(judge.paid_models()) and not (judge.models_to_load() or judge.batch_keys())


def _ask(askers: Sequence[Asker], store: Store) -> None:
    """Ask every model, with the judges beside it that can be; then the other judges."""
    desks = [Desk(judge, store) for judge in _distinct(a.experiment.judge for a in askers if a.at_once)]
    for desk in desks:
        desk.open()
    seconds: float | None = END_SECONDS
    try:
        for model, sharding in _distinct((a.experiment.model, a.experiment.sharding) for a in askers):
            group = [a for a in askers if (a.experiment.model, a.experiment.sharding) == (model, sharding)]
            with _left_to_jobs(f"asking {model.label}"):
                _answer(model, sharding, group, desks, store)
        seconds = None
    finally:
        for desk in desks:
            desk.close(seconds)
    _judge_later([asker for asker in askers if asker.judged and not asker.at_once], store)


def _asker(experiment: Experiment, inputs: Inputs, store: Store) -> Asker | None:
    """Return what a job will ask; None where it is paid for and there is a cap: that goes in order."""
    model, judge = experiment.model, experiment.judge
    capped = experiment.settings.budget.usd is not None
    if capped and (by_model.paid_models(experiment.perturbation) or model.paid_models()):
        return None
    with _left_to_jobs("writing the prompts"):
        if not (capped and judge.paid_models()):
            probe(experiment, inputs.prompts, store)
        wordings = by_model.write(
            experiment.perturbation, inputs.prompts, experiment.sharding, store, experiment.settings.max_failures
        )
        # Recorded answers exist already, and a model with a way of its own goes it in the job; so does a judge that
        # only compares.
        own = type(model).generate is not Model.generate
        requests = [] if own else model.requests(tooled(experiment, wordings.prompts), experiment.decoding)
        compares = type(judge).ask is Judge.ask and type(judge).judge is Judge.judge
        judged = not compares and not (capped and judge.paid_models())
        return Asker(experiment, requests, judged, judged and _works_beside(judge))
    return None


def _open(line: SweepLine, jobs: int, askers: Sequence[Asker], store: Store) -> None:
    """Tell how much there is to do, and how fast it was before."""
    answers = {step.key for asker in askers for request in asker.requests for step in request.to_come()}
    judges = _distinct(asker.experiment.judge for asker in askers if asker.judged)
    verdicts = 0
    for judge in judges:
        requests = {r.key: r for a in askers if a.judged and a.experiment.judge == judge for r in a.requests}
        some = next(iter(requests.values()), None)
        each = len(judge.questions([Pair(some.prompt.example, "", "a", "b")])) if some else 0
        verdicts += sum(max(1, len(request.prompt.example.turns)) for request in requests.values()) * each
    line.open(jobs, len(answers), verdicts, any(asker.at_once for asker in askers))
    speeds = [Pace.of(asker.experiment, store).per_verdict for asker in askers if asker.judged]
    line.parts["verdicts"].seconds_each = max((s for s in speeds if s is not None), default=None)


def _answer(model: Model, sharding: Sharding, askers: Sequence[Asker], desks: Sequence[Desk], store: Store) -> None:
    """Have one model write what it is asked by any job; each judge gets an answer as soon as it is stored."""
    before, keys = inference.loads(), list[str]()
    asked = [(asker, request) for asker in askers for request in asker.requests]
    # Conversations go in rounds: those of all jobs are asked once more together.
    while asked:
        by_key: dict[str, list[tuple[Asker, Request]]] = defaultdict(list)
        for asker, request in asked:
            by_key[request.key].append((asker, request))
        questions = {key: (group[0][1], group[0][0].experiment.decoding) for key, group in by_key.items()}
        arrived = partial(_hand_over, model, by_key, desks)
        with progress.stage(f"Generating with {model.label}", len(questions), unit="answers") as advance:
            answers = ask_once(
                store, "generation", questions, lambda some: _paid(model.ask_all(some, sharding)), advance, arrived
            )
        keys += questions
        followed = ((asker, following(request, answers.payloads)) for asker, request in asked)
        asked = [(asker, request) for asker, request in followed if request]
    owned(Ahead).note_loads("generation", keys, inference.loads() - before)


def _hand_over(
    model: Model, asked: Mapping[str, Sequence[tuple[Asker, Request]]], desks: Sequence[Desk],
    payloads: Mapping[str, Payload],
) -> None:  # fmt: skip
    """Give each judge that works beside the model the answers with which prompts end."""
    answered = [(*one, payloads[key]) for key in payloads for one in asked[key]]
    ended = [(a, r.generation(model.label, r.step(p, True))) for a, r, p in answered if not following(r, payloads)]
    for desk in desks:
        if found := _pairs(one for one in ended if one[0].at_once and one[0].experiment.judge == desk.judge):
            desk.put(found)


def _pairs(answers: Iterable[tuple[Asker, Generation]]) -> list[Pair]:
    """Return what a judge compares of these answers, each with the job that has it."""
    return [pair for asker, given in answers for pair in pairs([given], asker.experiment.judge.instruction)]


def _judge_later(askers: Sequence[Asker], store: Store) -> None:
    """Have each judge that waits for all answers judge those of all jobs, one judge after the other."""
    for judge in _distinct(asker.experiment.judge for asker in askers):
        group = [asker for asker in askers if asker.experiment.judge == judge]
        with _left_to_jobs(f"judging with {judge.label}"):
            found = _pairs((a, given) for a in group for given in a.experiment.model.replay(a.requests, store)[0])
            before = inference.loads()
            _judge(judge, found, store)
            keys = [question.key for question in judge.questions(found)] if inference.loads() > before else []
            owned(Ahead).note_loads("verdict", keys, inference.loads() - before)


def _judge(judge: Judge, some: Sequence[Pair], store: Store) -> None:
    if some:
        for verdict in judge.judge(some, store):
            owned(SweepLine).pay(0.0 if verdict.cached else verdict.cost_usd)


def _paid(replies: Iterable[Reply]) -> Iterator[Reply]:
    """Yield the replies; what they cost stands in the sweep's line."""
    for reply in replies:
        owned(SweepLine).pay((reply.payload or {}).get("cost_usd"))
        yield reply


@contextmanager
def _left_to_jobs(what: str) -> Iterator[None]:
    """Leave what goes wrong to the jobs that need it: they ask again, and each fails by itself."""
    try:
        yield
    except Exception as error:
        told = log.info if isinstance(error, AlpacabenchError) else log.warning
        told("%s ahead of the jobs ended early (%s): the jobs go on by themselves", what, type(error).__name__)


def _distinct(items: Iterable[Item]) -> list[Item]:
    """Return each item once; components need not be hashable."""
    found: list[Item] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found
