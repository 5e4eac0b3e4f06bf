"""Prompts that go on after the model's answer: a dialogue with the next user turn, a tool's call with its result.

A conversation is asked step by step. What comes next is a pure function of what was answered so far, so that a run
that was interrupted replays the stored answers and asks only what is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

FinishReason = Literal["stop", "length", "error"]

ToolStatus = Literal["ok", "error", "invalid", "failed", "not_run"]
"""`ok`: a result. `error`: the tool's own error. `invalid`: the call was none that is offered, or its arguments did not
fit. `failed`: the script of failures struck. `not_run`: the conversation ended with the call."""

Message = dict[str, Any]
"""One chat message: {"role": "system" | "user" | "assistant" | "tool", "content": text}, and what else it has."""

Messages = tuple[tuple[str, ...], ...]
"""(role, content) in order; (role, content, extra) where a message has more, `extra` being an object as JSON text."""


def chat(messages: Messages) -> list[Message]:
    """Return the messages as chat templates and APIs take them."""
    return [_message(*message) for message in messages]


def _message(role: str, content: str, extra: str = "{}") -> Message:
    return {"role": role, "content": content, **json.loads(extra)}


def transcript(messages: Messages) -> str:
    """Return a conversation as text that a person or a judge reads, each message under its role's name."""
    return "\n\n".join(f"{message[0].capitalize()}: {message[1]}" for message in messages)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """One call of a tool, and what came of it."""

    id: str
    name: str
    arguments: str
    """The text that the model wrote."""
    text: str = ""
    """What the model was told."""
    status: ToolStatus = "ok"
    injected: str = ""
    """The kind of failure that the script of failures put in place of the result, or into it; empty for none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a conversation and its answer."""

    asked: Messages
    """What was said to the model since its last answer: a user's turn, or the results of tools."""
    text: str
    turn: int = 1
    """To which of the user's turns it belongs, from 1."""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    """Each with `id`, `name` and `arguments`, which is the text that the model wrote."""
    finish_reason: FinishReason = "stop"
    reasoning: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost_usd: float | None = 0.0
    key: str = ""
    """The store's key; empty for recorded outputs."""
    cached: bool = False
    results: tuple[ToolResult, ...] = ()
    """What came of the calls, in their order; filled in when the conversation has ended."""

    def message(self) -> tuple[str, ...]:
        """Return the answer as the message that stands in the history of the next request."""
        if not self.tool_calls:
            return ("assistant", self.text)
        calls = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in self.tool_calls
        ]
        return ("assistant", self.text, json.dumps({"tool_calls": calls}, sort_keys=True, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Script:
    """What is known of a conversation before the model says anything."""

    opening: Messages
    """What stands before the first turn that is asked: the system prompt, and earlier messages of both sides."""
    turns: tuple[str, ...]
    """All that the user will say, in order; one text for an ordinary prompt."""
    sample: int = 0

    def turn(self, messages: Messages) -> int:
        """Return which of the user's turns a request is about, from 1."""
        return sum(message[0] == "user" for message in messages[len(self.opening) :])


class Exchange(Protocol):
    """How a conversation goes on."""

    def next(self, script: Script, steps: Sequence[Step]) -> Messages | None:
        """Return all messages of the next request, which begin with those of the last and its answer; None at the end.

        A pure function of its arguments.
        """

    def most_steps(self, script: Script) -> int:
        """Return how many requests there are at most."""

    def tools(self) -> tuple[Mapping[str, Any], ...]:
        """Return the tools that the model is offered, in OpenAI's format; part of each request's key where any are."""

    def key(self) -> Any:
        """Return what else determines what comes next, JSON-serialisable; part of each key unless it is None."""

    def completed(self, script: Script, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return the steps of a conversation that has ended, each with what came of its calls."""

    def right(self, steps: Sequence[Step], turns: int) -> tuple[bool, ...]:
        """Return whether each turn came to what the row expects of it; empty where it expects nothing."""

    def ending(self, steps: Sequence[Step]) -> str:
        """Return the name of how it ended; empty where there is but one way."""


class Dialogue:
    """The user's turns one after the other, each with the whole conversation before it."""

    def next(self, script: Script, steps: Sequence[Step]) -> Messages | None:
        """Return the conversation so far and the next turn; None after the last."""
        if len(steps) == len(script.turns):
            return None
        messages = script.opening
        for turn, step in zip(script.turns, steps, strict=False):
            messages = (*messages, ("user", turn), step.message())
        return (*messages, ("user", script.turns[len(steps)]))

    def most_steps(self, script: Script) -> int:
        """Return the number of turns."""
        return len(script.turns)

    def tools(self) -> tuple[Mapping[str, Any], ...]:
        """Return none."""
        return ()

    def key(self) -> None:
        """Return nothing: the messages say it all."""

    def completed(self, script: Script, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return the steps as they are."""
        return tuple(steps)

    def right(self, steps: Sequence[Step], turns: int) -> tuple[bool, ...]:
        """Return nothing: a judge says how good it was."""
        return ()

    def ending(self, steps: Sequence[Step]) -> str:
        """Return nothing: it ends with the last answer."""
        return ""


DIALOGUE: Exchange = Dialogue()
