"""The contract of the judge group, and judging through the store.

The smallest judge is one method, `compare`, which says for two answers in the order shown which one is better. A judge
that asks a model implements `identity` (what besides the prompt determines a verdict), `render` (the prompt) and `ask`
(send many questions at once). All of them answer in the order shown; only this module turns an answer into a preference
for the model. `judge=recorded` overrides `judge`: its verdicts exist already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from alpacabench.core import progress
from alpacabench.core.component import Component
from alpacabench.core.exchange import Message
from alpacabench.core.records import Pair, Verdict, digest
from alpacabench.core.source import foreign_source
from alpacabench.cost.expected import Expected
from alpacabench.cost.tokens import estimate_prompt_tokens
from alpacabench.inference.spec import ModelSpec
from alpacabench.judge.conversation import texts
from alpacabench.judge.question import Question
from alpacabench.judge.slot import model_first
from alpacabench.judge.template import template_path
from alpacabench.store.ask_once import FLUSH, Answers, AnswerStore, Reply, ask_once
from alpacabench.store.payload import is_preference

_SPENT = ("prompt_tokens", "completion_tokens", "cost_usd")


class UnparsableVerdictError(ValueError):
    """The judge's completion contains no verdict."""


class Judge(Component):
    """Base of all judges: the contract keys of the group."""

    group: ClassVar[str] = "judge"
    shared_keys: ClassVar[frozenset[str]] = frozenset({"name", "order", "seed", "instruction", "repeats", "canaries"})
    usual_option: ClassVar[Mapping[str, str]] = {"annotator": "alpaca_eval", "path": "recorded"}

    compares: ClassVar[bool] = True
    """Whether answers are compared at all; without, a run has no score."""

    name: str | None = None
    """The label; by default the class's name."""
    model_name: str | None = None
    base_url: str | None = None
    template: str | None = None
    order: Literal["seeded", "both"] = "seeded"
    concurrency: int | None = None
    seed: int = 0
    instruction: Literal["original", "perturbed"] = "original"
    annotator: str | None = None
    repeats: int = Field(1, ge=1)
    canaries: int = Field(0, ge=0)
    """How many pairs with a known answer are judged among a run's own, each once; never in a score."""
    mode: str | None = None
    path: str | list[str] | None = None

    @classmethod
    def lacks(cls) -> list[str]:
        """Return `compare` where a class has no way to judge."""
        own = any(getattr(cls, name) is not getattr(Judge, name) for name in ("compare", "ask", "judge"))
        return super().lacks() + ([] if own else ["compare"])

    @property
    def label(self) -> str:
        """The judge's name as it stands in annotations and leaderboards."""
        return self.name or type(self).__name__

    @property
    def caution(self) -> str:
        """What a reader of this judge's verdicts must know; empty where there is nothing."""
        return ""

    def batch_keys(self) -> list[str]:
        """Return the config keys that make this judge ask in batches; empty where it asks directly."""
        return ["judge.mode"] if self.mode == "batch" else []

    def compare(self, shown: Question) -> float:
        """Return which of the two answers in `shown.outputs` is better: 1 the first, 2 the second, 1.5 a draw.

        Anything from 1 to 2 says how surely. What is no such number, or an exception, is a missing verdict with its
        cause, and is asked for again by the next run.
        """
        raise NotImplementedError

    def identity(self) -> dict[str, Any]:
        """Return what besides the prompt determines a verdict: judge model, decoding values. JSON-serialisable.

        By default the class and the values of its own keys.
        """
        values = self.model_dump(mode="json", exclude=set(self.shared_keys), serialize_as_any=True, fallback=repr)
        return {"class": f"{type(self).__module__}.{type(self).__qualname__}", "values": values}

    def render(self, instruction: str, output_1: str, output_2: str) -> list[Message]:
        """Return the judge prompt for two answers in the order shown; by default just the texts.

        Of a dialogue the answers are two whole conversations, and the instruction says so.
        """
        return [{"role": "user", "content": text} for text in (instruction, output_1, output_2)]

    def texts(self, pair: Pair) -> tuple[str, str, str]:
        """Return what the prompt has for the instruction, the reference's and the model's output."""
        return texts(pair)

    def ask(self, questions: list[Question]) -> Iterable[Reply]:
        """Judge the questions; yield replies in any order as they arrive. By default each is compared.

        A payload has `preference` in [1, 2] in the order SHOWN (1 = the first answer is better), and optionally `raw`
        (the completion), `prompt_tokens`, `completion_tokens`, `seconds`, `cost_usd`, `criteria`.
        """
        for question in questions:
            try:
                yield Reply(question.key, {"preference": self.compare(question)})
            # A stranger's code may raise anything: this pair has no verdict, the others have theirs.
            except Exception as error:
                yield Reply(question.key, failure=f"{type(self).__name__}.compare: {type(error).__name__}: {error}")

    def models_to_load(self) -> frozenset[ModelSpec]:
        """Return the models that judging loads; none where a server holds them, or where there are none."""
        return frozenset()

    def slot(self, pair: Pair) -> bool:
        """Return whether the model's answer is shown first under `order=seeded`."""
        return model_first(pair.example.instruction, self.seed)

    def content(self) -> dict[str, Any]:
        """Return what a run keeps of its judge: identity and prompt with placeholders, JSON-serialisable.

        Two runs whose contents differ have two judges, whatever the labels are. Empty where the judge does not know.
        """
        return {"identity": self._known_by(), "prompt": self.render("{instruction}", "{output_1}", "{output_2}")}

    def templates(self) -> list[tuple[str, list[Message]]]:
        """Return each prompt that is filled in for a pair, by name, with `{{instruction}}` for what is filled in.

        None where nobody reads a prompt: the texts themselves are compared, or verdicts are recorded.
        """
        if type(self).render is Judge.render:
            return []
        name = template_path(self.template).stem if self.template else self.label
        return [(name, self.render("{{instruction}}", "{{output_1}}", "{{output_2}}"))]

    def prompt_hash(self) -> str:
        """Return a digest of the judge prompt with its placeholders and of the identity: equal judges, equal hash."""
        return digest([self._known_by(), self.render("{instruction}", "{output_1}", "{output_2}")])[:16]

    def questions(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return every judgement of these pairs that has to be asked for, by pair, slot and repeat, with its store key.

        Equal answers are a draw without asking, as in alpaca_eval.
        """
        identity = self._known_by()
        return [
            self._question(identity, pair, first, repeat)
            for pair in pairs
            if not _equal(pair)
            for first, repeat in self._slots(pair)
        ]

    def missing(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Question]:
        """Return the distinct questions that are still to be asked (for `plan=true`)."""
        questions = {question.key: question for question in self.questions(pairs)}
        held = store.get("verdict", questions)
        return [question for key, question in questions.items() if key not in held]

    def paid_models(self) -> list[tuple[str, str]]:
        """Return the key and the name of each model whose requests have a price; a judge of one's own asks none."""
        return []

    def endings(self) -> list[str]:
        """Return a warning for each model that its provider will soon shut down."""
        return []

    def expected(self, question: Question, unwritten: float = 0.0) -> Expected:
        """Return what a question is expected to take; a judge of one's own costs no dollars.

        Args:
            question: the question, its model answer empty where that is yet to be written.
            unwritten: the most tokens that the answer can have.

        """
        prompt = estimate_prompt_tokens(question.chat())
        return Expected(self.label, (prompt, prompt + unwritten), (1.0, 1.0), (0.0, 0.0))

    def probes(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return the questions of which one is asked before anything expensive; none where no server is asked."""
        return []

    def probe(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Ask a server that was never asked one real question; return what was paid for, never to be scored.

        Raises:
            StageError: the server is not there, or cannot do what is asked of it.

        """
        return []

    def judge(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Return one verdict per pair, slot and repeat, in order; only those that the store lacks are asked for.

        They are asked in the order of their keys, which is a random one: whatever happens to the judge meanwhile falls
        on all kinds of prompts alike, and can be told from them.
        """
        questions = self.questions(pairs)
        distinct = {question.key: question for question in sorted(questions, key=lambda question: question.key)}
        with progress.stage(f"Judging with {self.label}", len(distinct), unit="verdicts") as advance:
            answers = ask_once(store, "verdict", distinct, self._by_model, advance)
        asked = iter(questions)
        return [
            self._draw(pair, first, repeat) if _equal(pair) else self._verdict(next(asked), answers)
            for pair in pairs
            for first, repeat in self._slots(pair)
        ]

    def _known_by(self) -> dict[str, Any]:
        """Return the identity; with it the code of a class that is not ours, so that edited code is another judge."""
        source = foreign_source(type(self))
        return self.identity() | ({"source": source} if source else {})

    def _by_model(self, questions: list[Question]) -> Iterable[Reply]:
        """Ask, and turn each answer from the order shown to the preference for the model: 2 = the model wins."""
        model_first = {question.key: question.model_first for question in questions}
        for reply in self.ask(questions):
            payload = reply.payload
            # What is no preference is left as it is: the store refuses it in its own words.
            if reply is FLUSH or not payload or not is_preference(payload.get("preference")):
                yield reply
            elif reply.key in model_first:
                shown = float(payload["preference"])
                preference = 3.0 - shown if model_first[reply.key] else shown
                yield replace(reply, payload=payload | {"preference": preference})

    def _slots(self, pair: Pair) -> list[tuple[bool, int]]:
        seeded = self.slot(pair)
        if pair.canary:
            return [(seeded, 0)]
        slots = (seeded,) if self.order == "seeded" else (seeded, not seeded)
        return [(first, repeat) for first in slots for repeat in range(self.repeats)]

    def _question(self, identity: dict[str, Any], pair: Pair, first: bool, repeat: int) -> Question:
        instruction, reference, output = self.texts(pair)
        shown = (output, reference) if first else (reference, output)
        messages = tuple((m["role"], m["content"]) for m in self.render(instruction, *shown))
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


def _equal(pair: Pair) -> bool:
    """Whether both answers are the same, which is a draw without asking; of a canary that is the question."""
    return pair.equal and not pair.canary
