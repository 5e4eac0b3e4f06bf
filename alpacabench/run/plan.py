"""`plan=true`: what a job, or a whole sweep, would ask and cost. Runs nothing and loads nothing.

Questions that several jobs share are counted once, as the store asks them once. Requests are exact; the tokens of
answers that are yet to be written are a range, and so is the time, by how fast model and judge were before.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alpacabench.analysis.estimate import duration
from alpacabench.core.records import Generation, Pair
from alpacabench.cost.expected import Expected
from alpacabench.endpoint.spending import paying
from alpacabench.inference.spec import ModelSpec
from alpacabench.judge.panel import Panel
from alpacabench.model.request import Request
from alpacabench.rewording import by_model
from alpacabench.run.experiment import Experiment
from alpacabench.run.inherited import as_first_released
from alpacabench.run.pairs import canary_pairs, pairs, probe_pairs
from alpacabench.run.pipeline import Inputs
from alpacabench.run.tooled import tooled
from alpacabench.store import speed
from alpacabench.store.store import Store

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 40
"""How many jobs are listed."""


@dataclass(frozen=True, slots=True)
class JobShare:
    """What one job would ask, beyond what the store holds and what earlier jobs ask."""

    name: str
    answers: int
    answers_held: int
    verdicts: int
    verdicts_held: int


@dataclass
class Plan:
    """What one or more jobs would ask; requests by store key, so that shared ones count once."""

    jobs: list[JobShare] = field(default_factory=list)
    prompts: int = 0
    variants: dict[str, Expected] = field(default_factory=dict)
    """What models write and check of the prompts themselves."""
    answers: dict[str, Expected] = field(default_factory=dict)
    verdicts: dict[str, Expected] = field(default_factory=dict)
    variants_known: set[str] = field(default_factory=set)
    answers_known: set[str] = field(default_factory=set)
    verdicts_known: set[str] = field(default_factory=set)
    models: set[ModelSpec] = field(default_factory=set)
    """What a process would have to load."""

    def add(self, name: str, experiment: Experiment, store: Store, inputs: Inputs) -> None:
        """Add what a job would ask, given what the store holds and what earlier jobs would ask."""
        model, judge, decoding = experiment.model, experiment.judge, experiment.decoding
        before = len(self.answers), len(self.verdicts)
        self.prompts += len(inputs.prompts)
        wordings = by_model.planned(experiment.perturbation, inputs.prompts, store)
        self.variants |= wordings.missing
        self.variants_known |= wordings.known
        self.models |= wordings.models
        known, missing = model.known(tooled(experiment, wordings.prompts), decoding, store)
        # A prompt that is yet to be written is nobody's question yet: the job stands in for its text.
        unwritten = model.requests(tooled(experiment, wordings.unwritten), decoding) if wordings.unwritten else []
        begun = [("", request) for request in missing] + [(f"{experiment.identity}/", r) for r in unwritten]
        held = [step for g in known for step in g.asked] + [step for _, request in begun for step in request.steps]
        self.answers_known |= {step.key for step in held if step.key}
        pace = Pace.of(experiment, store)
        judged = [*pairs(known, judge.instruction), *canary_pairs(experiment, inputs.prompts)]
        last, n_judged, n_asked = list[tuple[str, Request]](), 0, 0
        for prefix, request in begun:
            asked = [(prefix + one.key, one) for one in request.to_come()]
            n_judged += self._add_prompt(experiment, request, asked, pace, judged)
            n_asked += len(asked)
            last.append(asked[-1])
        known_verdicts = {question.key for question in judge.questions(judged)}
        n_judged += len(known_verdicts)
        for question in judge.missing(judged, store):
            self.verdicts[question.key] = pace.verdict(judge.expected(question, 0.0))
            known_verdicts.discard(question.key)
        self.verdicts_known |= known_verdicts
        if len(self.verdicts) > before[1]:
            self._add_probe(experiment, inputs, pace, store)
        new = len(self.answers) - before[0], len(self.verdicts) - before[1]
        self.models |= (model.models_to_load() if new[0] else set()) | (judge.models_to_load() if new[1] else set())
        n_judged += self._add_checks(experiment, known, last, store)
        new = new[0], len(self.verdicts) - before[1]
        self.jobs.append(JobShare(name, new[0], len(held) + n_asked - new[0], new[1], n_judged - new[1]))

    def _add_probe(self, experiment: Experiment, inputs: Inputs, pace: Pace, store: Store) -> None:
        """Add the first question to each server that was never asked one."""
        judge = experiment.judge
        for member in judge.members if isinstance(judge, Panel) else [judge]:
            questions = member.probes(probe_pairs(experiment, inputs.prompts))
            if questions and not store.get("verdict", [question.key for question in questions]):
                self.verdicts[questions[0].key] = pace.verdict(judge.expected(questions[0], 0.0))

    def _add_checks(
        self, experiment: Experiment, known: Sequence[Generation], asked: Sequence[tuple[str, Request]], store: Store
    ) -> int:
        """Add what checks ask models, as verdicts; return their number."""
        found: dict[str, Expected] = {}
        held: set[str] = set()
        for name, check in experiment.checks.items():
            for g in known:
                if g.text is not None and (expected := check.expected(g.prompt.example, g.text)):
                    key = check.key(g.prompt.example, name, g.text)
                    found[key] = expected
            held |= set(store.get("check", found))
            for key, request in asked:
                most = experiment.model.expected(request, experiment.decoding).completion[1]
                if expected := check.expected(request.prompt.example, "", most):
                    found[f"{name}/{key}"] = expected
        self.verdicts |= {key: expected for key, expected in found.items() if key not in held}
        self.verdicts_known |= held
        return len(found)

    def _add_prompt(
        self, experiment: Experiment, begun: Request, asked: Sequence[tuple[str, Request]], pace: Pace,
        judged: list[Pair],
    ) -> int:  # fmt: skip
        """Add the answers that a prompt still lacks, and their verdicts; return the number of verdicts.

        Args:
            experiment: the job.
            begun: the next request of the prompt.
            asked: it and those that may follow it, by key.
            pace: how fast they come.
            judged: gets the pairs of a conversation whose answers are there already.

        """
        model, judge, decoding = experiment.model, experiment.judge, experiment.decoding
        for key, request in asked:
            self.answers[key] = pace.answer(model.expected(request, decoding))
        end = asked[-1][1]
        turns = [(key, request.turn) for key, request in asked]
        number = 0
        for pair in pairs([end.generation(model.label, end.step({"text": ""}))], judge.instruction):
            unwritten = [key for key, turn in turns if not pair.turn or turn <= pair.turn]
            if not unwritten:
                judged.append(pair)
                continue
            most = len(unwritten) * float(decoding.max_new_tokens)
            for place, question in enumerate(judge.questions([pair])):
                # The answer's own text is not known yet: its key stands for it.
                self.verdicts[f"{question.key}/{unwritten[-1]}/{place}"] = pace.verdict(judge.expected(question, most))
                number += 1
        return number


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a job's model and judge were, where they were asked before."""

    per_token: float | None
    """Seconds, of all that were asked at the same time together."""
    per_verdict: float | None

    @classmethod
    def of(cls, experiment: Experiment, store: Store) -> Pace:
        """Look it up."""
        speeds, asked = speed.Speeds(store.engine), as_first_released(experiment.resolved, experiment.choices)
        model, judge = speed.writer(asked["model"], asked["sharding"]), speed.reader(asked["judge"])
        return cls(speeds.per_unit(model), speeds.per_unit(judge))

    def answer(self, expected: Expected) -> Expected:
        """Return the expectation of an answer with its time."""
        low, high = expected.completion
        return replace(
            expected, seconds=None if self.per_token is None else (low * self.per_token, high * self.per_token)
        )

    def verdict(self, expected: Expected) -> Expected:
        """Return the expectation of a verdict with its time."""
        return replace(expected, seconds=None if self.per_verdict is None else (self.per_verdict, self.per_verdict))


def show(jobs: Sequence[tuple[str, Experiment, Inputs]]) -> None:
    """Print what these jobs, each with its name, would ask and cost, and what they could find."""
    first = jobs[0][1].settings
    # What tools answered is looked up where it is kept; nothing is paid for.
    with Store(first.store.url) as store, paying(store):
        plan = Plan()
        for name, experiment, inputs in jobs:
            plan.add(name, experiment, store, inputs)
    print_plan(plan)
    for warning in dict.fromkeys(warning for _, experiment, _ in jobs for warning in experiment.endings()):
        print(f"Warning: {warning}")
    if first.early_stopping.alpha is not None:
        print("Early stopping may ask less.")
    if all(experiment.judge.compares for _, experiment, _ in jobs):
        _show_power(jobs)


def _show_power(jobs: Sequence[tuple[str, Experiment, Inputs]]) -> None:
    """Print how many prompts a difference needs after as many comparisons with a base as the jobs make."""
    from alpacabench.analysis.decision import ALPHA, POWER
    from alpacabench.analysis.power import DIFFERENCE, earlier_runs, spread_of
    from alpacabench.analysis.sentences.power import PowerFacts, findings
    from alpacabench.scoring.power import Claim

    _, first, inputs = jobs[0]
    spread = spread_of(earlier_runs(first.judge.label))
    claim = Claim(max(1, len(jobs) - 1), POWER, ALPHA)
    for line in findings(PowerFacts(spread, DIFFERENCE, claim, len(inputs.prompts))):
        print(line)


def print_plan(plan: Plan) -> None:
    """Print the plan: what is asked of whom, and what each of several jobs adds to it."""
    from alpacabench.security.console import Console

    # Without a terminal rich assumes 80 columns, which would cut the labels.
    console = Console(width=None if sys.stdout.isatty() else 140)
    if len(plan.jobs) > 1:
        console.print(_jobs(plan.jobs))
    console.print(_requests(plan))
    loads = len(plan.models)
    console.print(f"Model loads: {loads}{' in each process' if loads and len(plan.jobs) > 1 else ''}")
    if any(not expected.exact for expected in plan.verdicts.values()):
        console.print("Answers are yet to be written: the judge's prompt tokens run from empty to full-length answers.")
    if any(expected.seconds is None for expected in (*plan.answers.values(), *plan.verdicts.values())):
        console.print("The time is known once a run has asked this model and this judge; subset.n=10 is enough.")


def _jobs(jobs: Sequence[JobShare]) -> Table:
    from rich.table import Table

    table = Table(title="What each job adds", title_justify="left")
    table.add_column("job", overflow="fold")
    for column in ("answers", "held", "verdicts", "held"):
        table.add_column(column, justify="right")
    for job in jobs[:SHOWN]:
        table.add_row(job.name, *map(str, (job.answers, job.answers_held, job.verdicts, job.verdicts_held)))
    if len(jobs) > SHOWN:
        table.add_row(f"and {len(jobs) - SHOWN} more")
    table.caption = "held: in the store, or asked by a job above"
    return table


def _requests(plan: Plan) -> Table:
    from rich.table import Table

    number = len(plan.jobs)
    prompts = f"{plan.prompts} prompt{'s' * (plan.prompts != 1)}"
    table = Table(title=f"Plan: {number} job{'s' * (number != 1)}, {prompts}; nothing is run")
    for column, justify in (("", "left"), ("who", "left"), ("requests", "right"), ("in the store", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for column in ("prompt tokens", "completion tokens", "dollars", "time"):
        table.add_column(column, justify="right")
    everything: list[Expected] = []
    stages = [("answers", plan.answers, plan.answers_known), ("verdicts", plan.verdicts, plan.verdicts_known)]
    if plan.variants or plan.variants_known:
        stages.insert(0, ("variants", plan.variants, plan.variants_known))
    for title, requests, known in stages:
        by_who: dict[str, list[Expected]] = defaultdict(list)
        for expected in requests.values():
            by_who[expected.who].append(expected)
        for who, group in by_who.items() or [("", [])]:
            table.add_row(title, who, str(len(group)), str(len(known)), *_totals(group))
        everything += requests.values()
    table.add_section()
    known_in_all = str(sum(len(known) for _, _, known in stages))
    table.add_row("in all", "", str(len(everything)), known_in_all, *_totals(everything))
    return table


def _totals(group: Sequence[Expected]) -> tuple[str, str, str, str]:
    prompt = _range([e.prompt for e in group], "{:,.0f}".format)
    completion = _range([e.completion for e in group], "{:,.0f}".format)
    dollars = _known([e.dollars for e in group], "{:,.4f}".format)
    return prompt, completion, dollars, _known([e.seconds for e in group], duration)


def _known(bounds: Sequence[tuple[float, float] | None], form: Callable[[float], str]) -> str:
    known = [bound for bound in bounds if bound is not None]
    return _range(known, form) if len(known) == len(bounds) else "unknown"


def _range(bounds: Sequence[tuple[float, float]], form: Callable[[float], str]) -> str:
    first, last = form(sum(low for low, _ in bounds)), form(sum(high for _, high in bounds))
    return first if first == last else f"{first} to {last}"
