"""`plan=true`: what a job, or a whole sweep, would ask and cost. Runs nothing and loads nothing.

Questions that several jobs share are counted once, as the store asks them once. Requests are exact; the tokens of
answers that are yet to be written are a range.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from alpacabench import wording
from alpacabench.config import Experiment
from alpacabench.expected import Expected
from alpacabench.model.base import Request
from alpacabench.pipeline import Inputs, pairs, prepare
from alpacabench.records import Pair
from alpacabench.store.store import Store


@dataclass
class Plan:
    """What one or more jobs would ask; requests by store key, so that shared ones count once."""

    jobs: int = 0
    prompts: int = 0
    variants: dict[str, Expected] = field(default_factory=dict)
    """What models write and check of the prompts themselves."""
    answers: dict[str, Expected] = field(default_factory=dict)
    verdicts: dict[str, Expected] = field(default_factory=dict)
    variants_known: set[str] = field(default_factory=set)
    answers_known: set[str] = field(default_factory=set)
    verdicts_known: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    """Digests of the models that would have to be loaded."""

    def add(self, experiment: Experiment, store: Store, inputs: Inputs | None = None) -> None:
        """Add what a job would ask, given what the store holds and what earlier jobs would ask."""
        inputs = inputs or prepare(experiment)
        model, judge, decoding = experiment.model, experiment.judge, experiment.decoding
        self.jobs += 1
        self.prompts += len(inputs.prompts)
        wordings = wording.planned(experiment.perturbation, inputs.prompts, store)
        self.variants |= wordings.missing
        self.variants_known |= wordings.known
        known, missing = model.known(wordings.prompts, decoding, store)
        self.answers_known |= {g.key for g in known if g.key}
        # A prompt that is yet to be written is nobody's question yet: the job stands in for its text.
        unwritten = model.requests(wordings.unwritten, decoding) if wordings.unwritten else []
        asked = [(r.key, r) for r in missing] + [(f"{experiment.identity}/{r.key}", r) for r in unwritten]
        for key, request in asked:
            self._add_answer(experiment, key, request)
        judged = pairs(known, judge.instruction)
        held = {question.key for question in judge.questions(judged)}
        for question in judge.missing(judged, store):
            self.verdicts[question.key] = judge.expected(question, 0.0)
            held.discard(question.key)
        self.verdicts_known |= held

    def _add_answer(self, experiment: Experiment, key: str, request: Request) -> None:
        """Add an answer that is yet to be written, and its verdicts."""
        judge, expected = experiment.judge, experiment.model.expected(request, experiment.decoding)
        self.answers[key] = expected
        example = request.prompt.example
        shown = request.prompt.text if judge.instruction == "perturbed" else example.instruction
        pair = Pair(example, shown, example.reference or "", "", request.sample)
        for number, question in enumerate(judge.questions([pair])):
            # The answer's own text is not known yet: its key stands for it.
            self.verdicts[f"{question.key}/{key}/{number}"] = judge.expected(question, expected.completion[1])


def show(experiments: Sequence[Experiment]) -> None:
    """Print what these jobs would ask and cost."""
    with Store(experiments[0].settings.store.url) as store:
        plan = Plan()
        for experiment in experiments:
            plan.add(experiment, store)
    print_plan(plan)
    if experiments[0].settings.early_stopping.alpha is not None:
        print("Early stopping may ask less.")


def print_plan(plan: Plan) -> None:
    """Print the plan as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Plan: {plan.jobs} job{'s' * (plan.jobs != 1)}, {plan.prompts} prompts; nothing is run")
    for column, justify in (("", "left"), ("who", "left"), ("requests", "right"), ("in the store", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for column in ("prompt tokens", "completion tokens", "dollars"):
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
    # Without a terminal rich assumes 80 columns, which would cut the labels.
    console = Console(width=None if sys.stdout.isatty() else 120, markup=False, emoji=False)
    console.print(table)
    if any(not expected.exact for expected in plan.verdicts.values()):
        console.print("Answers are yet to be written: the judge's prompt tokens run from empty to full-length answers.")


def _totals(group: Sequence[Expected]) -> tuple[str, str, str]:
    prompt = _range([e.prompt for e in group], ",.0f")
    completion = _range([e.completion for e in group], ",.0f")
    prices = [e.dollars for e in group]
    known = [dollars for dollars in prices if dollars is not None]
    return prompt, completion, _range(known, ",.4f") if len(known) == len(prices) else "unknown"


def _range(bounds: Sequence[tuple[float, float]], form: str) -> str:
    low, high = sum(low for low, _ in bounds), sum(high for _, high in bounds)
    first, last = format(low, form), format(high, form)
    return first if first == last else f"{first} to {last}"
