"""The contract of the judge group, and judging through the store.

A judge implements `identity` (what besides the prompt determines a verdict), `render` (the prompt), `ask` (send the
missing questions) and `preference` (read a verdict). `judge=recorded` overrides `judge`: its verdicts exist already.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from alpacabench.core import progress
from alpacabench.core.component import Component
from alpacabench.core.records import Message, Pair, Verdict, digest
from alpacabench.cost.expected import Expected
from alpacabench.cost.tokens import estimate_prompt_tokens
from alpacabench.inference.spec import ModelSpec
from alpacabench.judge.slot import model_first
from alpacabench.store.ask_once import Answers, AnswerStore, Reply, ask_once


@dataclass(frozen=True, slots=True)
class Question:
    """One judgement to be made."""

    key: str
    pair: Pair
    model_first: bool
    repeat: int
    messages: tuple[tuple[str, str], ...]
    """(role, content) in order."""
    judge: str = ""
    """Which judge (of a panel) is asked."""

    def chat(self) -> list[Message]:
        """Return the messages as chat templates and APIs take them."""
        return [{"role": role, "content": content} for role, content in self.messages]

    @property
    def outputs(self) -> tuple[str, str]:
        """The two answers in the order shown."""
        first, second = self.pair.reference, self.pair.output
        return (second, first) if self.model_first else (first, second)


_SPENT = ("prompt_tokens", "completion_tokens", "cost_usd")


class UnparsableVerdictError(ValueError):
    """The judge's completion contains no verdict."""


class Judge(Component):
    """Base of all judges: the contract keys of the group."""

    group: ClassVar[str] = "judge"
    shared_keys: ClassVar[frozenset[str]] = frozenset({"order", "seed", "instruction", "repeats"})

    model_name: str | None = None
    base_url: str | None = None
    template: str | None = None
    order: Literal["seeded", "both"] = "seeded"
    concurrency: int | None = None
    seed: int = 0
    instruction: Literal["original", "perturbed"] = "original"
    annotator: str | None = None
    repeats: int = Field(1, ge=1)
    mode: str | None = None
    path: str | list[str] | None = None

    @property
    @abstractmethod
    def label(self) -> str:
        """The judge's name as it stands in annotations and leaderboards."""

    @property
    def caution(self) -> str:
        """What a reader of this judge's verdicts must know; empty where there is nothing."""
        return ""

    def batch_keys(self) -> list[str]:
        """Return the config keys that make this judge ask in batches; empty where it asks directly."""
        return ["judge.mode"] if self.mode == "batch" else []

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Return what besides the prompt determines a verdict: judge model, decoding values. JSON-serialisable."""

    @abstractmethod
    def render(self, instruction: str, output_1: str, output_2: str) -> list[Message]:
        """Return the judge prompt for two answers in the order shown."""

    @abstractmethod
    def ask(self, questions: list[Question]) -> Iterable[Reply]:
        """Send the questions; yield replies in any order as they arrive.

        A payload has `raw` (the completion), `preference` in [1, 2] by MODEL (2 = the model wins, whatever the slot),
        `prompt_tokens`, `completion_tokens`, `seconds`, and optionally `cost_usd`, `criteria`.
        """

    def models_to_load(self) -> frozenset[ModelSpec]:
        """Return the models that judging loads; none where a server holds them, or where there are none."""
        return frozenset()

    def slot(self, pair: Pair) -> bool:
        """Return whether the model's answer is shown first under `order=seeded`."""
        return model_first(pair.example.instruction, self.seed)

    def prompt_hash(self) -> str:
        """Return a digest of the judge prompt with its placeholders and of the identity: equal judges, equal hash."""
        return digest([self.identity(), self.render("{instruction}", "{output_1}", "{output_2}")])[:16]

    def questions(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return every judgement of these pairs that has to be asked for, by pair, slot and repeat, with its store key.

        Equal answers are a draw without asking, as in alpaca_eval.
        """
        identity = self.identity()
        return [
            self._question(identity, pair, first, repeat)
            for pair in pairs
            if pair.reference != pair.output
            for first, repeat in self._slots(pair)
        ]

    def missing(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Question]:
        """Return the distinct questions that are still to be asked (for `plan=true`)."""
        questions = {question.key: question for question in self.questions(pairs)}
        held = store.get("verdict", questions)
        return [question for key, question in questions.items() if key not in held]

    def expected(self, question: Question, unwritten: float = 0.0) -> Expected:
        """Return what a question is expected to take; a judge of one's own costs no dollars.

        Args:
            question: the question, its model answer empty where that is yet to be written.
            unwritten: the most tokens that the answer can have.

        """
        prompt = estimate_prompt_tokens(question.chat())
        return Expected(self.label, (prompt, prompt + unwritten), (1.0, 1.0), (0.0, 0.0))

    def judge(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Return one verdict per pair, slot and repeat, in order; only those that the store lacks are asked for."""
        questions = self.questions(pairs)
        distinct = {question.key: question for question in questions}
        with progress.stage(f"Judging with {self.label}", len(distinct), unit="verdicts") as advance:
            answers = ask_once(store, "verdict", distinct, self.ask, advance)
        asked = iter(questions)
        return [
            self._draw(pair, first, repeat) if pair.reference == pair.output else self._verdict(next(asked), answers)
            for pair in pairs
            for first, repeat in self._slots(pair)
        ]

    def _slots(self, pair: Pair) -> list[tuple[bool, int]]:
        seeded = self.slot(pair)
        slots = (seeded,) if self.order == "seeded" else (seeded, not seeded)
        return [(first, repeat) for first in slots for repeat in range(self.repeats)]

    def _question(self, identity: dict[str, Any], pair: Pair, first: bool, repeat: int) -> Question:
        shown = (pair.output, pair.reference) if first else (pair.reference, pair.output)
        messages = tuple((m["role"], m["content"]) for m in self.render(pair.instruction, *shown))
        key = digest({"judge": identity, "messages": messages, "model_first": first, "repeat": repeat})
        return Question(key, pair, first, repeat, messages, self.label)

    def _draw(self, pair: Pair, first: bool, repeat: int) -> Verdict:
        return Verdict(pair, 1.5, first, judge=self.label, repeat=repeat, raw="equal answers")

    def _verdict(self, question: Question, answers: Answers) -> Verdict:
        payload, failed = answers.payloads.get(question.key), answers.failures.get(question.key)
        common: dict[str, Any] = {
            "pair": question.pair, "model_first": question.model_first, "repeat": question.repeat,
            "judge": self.label, "key": question.key,
        }  # fmt: skip
        if payload is None:
            detail = failed.detail if failed and isinstance(failed.detail, dict) else {}
            spent = {name: detail[name] for name in _SPENT if name in detail}
            cause = (failed.failure if failed else None) or "no verdict"
            return Verdict(preference=None, failure=cause, raw=detail.get("completion"), **common, **spent)
        fields = ("preference", "raw", "prompt_tokens", "completion_tokens", "seconds", "cost_usd", "criteria")
        values = {name: payload[name] for name in fields if name in payload}
        return Verdict(cached=question.key not in answers.asked, **common, **values)
