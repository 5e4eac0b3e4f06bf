"""One answer to be written, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alpacabench.core.exchange import DIALOGUE, Message, Messages, Script, Step, chat
from alpacabench.core.records import Generation, Prompt, digest
from alpacabench.store.payload import Payload


@dataclass(frozen=True, slots=True)
class Request:
    """One answer to be written."""

    key: str
    """The store's key; sampling is keyed by (key, step), so that the text depends on nothing else."""
    prompt: Prompt
    messages: Messages
    """In order: the system prompt if any, then the user's text; of a conversation all that was said so far."""
    sample: int
    basis: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What determines the answer beside messages and sample: the model's identity and the decoding values."""
    script: Script | None = None
    """What is known of the conversation beforehand; None where nothing can follow."""
    steps: tuple[Step, ...] = ()
    """The requests before this one, with their answers."""
    unwritten: int = 0
    """How many answers in `messages` are yet to be written and stand there as empty texts, in a plan."""

    @classmethod
    def first(cls, prompt: Prompt, system: str | None, sample: int, basis: Mapping[str, Any]) -> Request:
        """Return the request with which a prompt begins; `system` is the model's system prompt."""
        script = replace(prompt.script(system), sample=sample)
        messages = prompt.exchange.next(script, ())
        assert messages is not None, "an exchange asks at least once"
        return cls(_key(prompt, basis, messages, sample), prompt, messages, sample, basis, script)

    def chat(self) -> list[Message]:
        """Return the messages as chat templates and APIs take them."""
        return chat(self.messages)

    @property
    def turn(self) -> int:
        """Which of the user's turns it is about, from 1."""
        return self.script.turn(self.messages) if self.script else 1

    def step(self, payload: Payload, cached: bool = False) -> Step:
        """Return this request with its answer."""
        said = self.messages[len(self.script.opening) :] if self.script else self.messages
        answers = [place for place, message in enumerate(said) if message[0] == "assistant"]
        return Step(
            asked=said[answers[-1] + 1 :] if answers else said,
            text=payload["text"],
            turn=self.turn,
            tool_calls=tuple(payload.get("tool_calls", ())),
            key=self.key,
            cached=cached,
            **{name: payload[name] for name in _MEASURED if name in payload},
        )

    def after(self, step: Step) -> Request | None:
        """Return what is asked after this request was answered; None where the conversation ends."""
        steps = (*self.steps, step)
        messages = self.prompt.exchange.next(self.script, steps) if self.script else None
        if messages is None:
            return None
        key = _key(self.prompt, self.basis, messages, self.sample)
        return replace(self, key=key, messages=messages, steps=steps)

    def to_come(self) -> list[Request]:
        """Return this request and those that may follow it, as far as they can be known before it is answered.

        Their keys stand for them in a plan; the store has none under these keys.
        """
        found = [self]
        most = self.prompt.exchange.most_steps(self.script) if self.script else 1
        while self.script and len(self.steps) + len(found) < most:
            last = found[-1]
            steps = (*last.steps, last.step({"text": ""}))
            messages = self.prompt.exchange.next(self.script, steps) or last.messages
            key = digest([self.key, messages, len(found)])
            found.append(replace(last, key=key, messages=messages, steps=steps, unwritten=last.unwritten + 1))
        return found

    def generation(self, label: str, step: Step | None, failure: str | None = None) -> Generation:
        """Return the answer with which a prompt ends, or its failure; `label` is the model's."""
        steps = (*self.steps, step) if step else self.steps
        steps = self.prompt.exchange.completed(self.script, steps) if self.script else steps
        costs = [one.cost_usd for one in steps]
        common: dict[str, Any] = {
            "prompt": self.prompt, "sample": self.sample, "key": self.key, "generator": label,
            "steps": steps if self.prompt.example.turns or self.prompt.exchange is not DIALOGUE else (),
            "prompt_tokens": sum(one.prompt_tokens for one in steps),
            "completion_tokens": sum(one.completion_tokens for one in steps),
            "seconds": sum((one.seconds for one in steps), 0.0),
            "cost_usd": None if any(cost is None for cost in costs) else sum((cost or 0.0 for cost in costs), 0.0),
        }  # fmt: skip
        if step is None:
            where = f"turn {self.turn}: " if self.script and len(self.script.turns) > 1 else ""
            return Generation(text=None, finish_reason="error", failure=where + (failure or "no answer"), **common)
        return Generation(
            text=step.text, finish_reason=step.finish_reason, reasoning=step.reasoning,
            cached=all(one.cached for one in steps), **common,
        )  # fmt: skip


_MEASURED = ("finish_reason", "reasoning", "prompt_tokens", "completion_tokens", "seconds", "cost_usd")


def _key(prompt: Prompt, basis: Mapping[str, Any], messages: Messages, sample: int) -> str:
    """Return the store's key: the whole history, and what else determines the answer."""
    tools, more = prompt.exchange.tools(), prompt.exchange.key()
    parts = {**basis, "messages": messages, "sample": sample}
    return digest(parts | ({"tools": tools} if tools else {}) | ({} if more is None else {"exchange": more}))
