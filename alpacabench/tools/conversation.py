"""The conversation of a model and its tools: what is said next, and what came of each call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alpacabench.core.exchange import Messages, Script, Step, ToolResult
from alpacabench.core.records import Example, digest
from alpacabench.tools.base import NAME, Caller, Function, Tool
from alpacabench.tools.failures import ERROR, TIMEOUT, At, ToolFailures, damaged
from alpacabench.tools.kept import kept
from alpacabench.tools.task import turns_right

FORM = 1
"""Raised when models are told of tools, calls or results in another way."""
MOST_CALLS = 64
"""Of one answer; the others are told so."""
SHOWN = 300
"""Characters of a bad call that the model is shown again."""


class ToolUse:
    """How a conversation goes on: after calls with their results, after an answer with the user's next turn.

    The model may answer `max_steps` times in each of the user's turns. It ends after the last turn's answer, or where
    the model still calls at its last step, or where a call is itself the answer (`Tool.final`).
    """

    def __init__(self, tools: Sequence[Tool], example: Example, failures: ToolFailures, max_steps: int) -> None:
        self.example, self.failures, self.max_steps = example, failures, max_steps
        self._tools = [tool for tool in tools if tool.applies(example.row)]
        self._offered = {
            function["function"]["name"]: (tool, function)
            for tool in self._tools
            for function in tool.functions(example.row)
        }
        self._sessions: dict[int, _Session] = {}
        self._right: dict[tuple[str, int], tuple[bool, ...]] = {}

    def next(self, script: Script, steps: Sequence[Step]) -> Messages | None:
        """Return all messages of the next request; None where the conversation ends."""
        messages, turn, asked = (*script.opening, ("user", script.turns[0])), 1, 0
        for step, results in zip(steps, self._session(script.sample).results(steps), strict=True):
            asked += 1
            messages = (*messages, _said(step, results))
            if results:
                if self.ends(asked):
                    return None
                messages = (*messages, *(("tool", r.text, _json({"tool_call_id": r.id})) for r in results))
            else:
                if turn == len(script.turns):
                    return None
                messages, turn, asked = (*messages, ("user", script.turns[turn])), turn + 1, 0
        return messages

    def completed(self, script: Script, steps: Sequence[Step]) -> tuple[Step, ...]:
        """Return the steps, each with what came of its calls."""
        found = self._session(script.sample).results(steps)
        return tuple(replace(step, results=results) for step, results in zip(steps, found, strict=True))

    def ends(self, asked: int) -> bool:
        """Return whether a conversation ends with the calls of the answer that is the `asked`-th of its turn."""
        return asked >= self.max_steps or self._final

    def most_steps(self, script: Script) -> int:
        """Return how many requests there are at most."""
        return len(script.turns) * self.max_steps

    def tools(self) -> tuple[Function, ...]:
        """Return the functions that the model is offered."""
        return tuple(function for _, function in self._offered.values())

    def key(self) -> Mapping[str, Any] | None:
        """Return the tools' own keys and the script of failures."""
        failures = self.failures.key()
        return {"form": FORM, "tools": [tool.key() for tool in self._tools]} | (
            {"failures": failures} if failures else {}
        )

    def ending(self, steps: Sequence[Step]) -> str:
        """Return how it ended: `answer`, `max_steps`, or `call` where the first calls are the answer."""
        if not steps or not steps[-1].tool_calls:
            return "answer"
        return "call" if self._final else "max_steps"

    def right(self, steps: Sequence[Step], turns: int) -> tuple[bool, ...]:
        """Return whether the task of each turn succeeded, of those turns for which the row expects something."""
        place = (steps[-1].key, len(steps)) if steps else ("", 0)
        if not place[0] or place not in self._right:
            own = (tool.right(self.example.row, steps) for tool in self._tools)
            found = next((verdict for verdict in own if verdict is not None), None)
            self._right[place] = tuple(turns_right(self.example.row, steps, turns) if found is None else found)
        return self._right[place]

    @property
    def _final(self) -> bool:
        """Whether the first calls are the answer."""
        return any(tool.final(self.example.row) for tool in self._tools)

    def _session(self, sample: int) -> _Session:
        return self._sessions.setdefault(sample, _Session(self, sample))

    def run(self, called: Mapping[str, Any], at: At, session: _Session, last: bool) -> ToolResult:
        """Return what comes of one call; with the `last` ones a conversation ends, and they are not run."""
        name, written = str(called.get("name") or ""), str(called.get("arguments") or "")
        result = ToolResult(id=str(called.get("id") or ""), name=name, arguments=written)
        if name not in self._offered:
            known = ", ".join(self._offered) or "none"
            return replace(result, status="invalid", text=_error(f"there is no tool {name[:64]!r}; offered: {known}"))
        tool, function = self._offered[name]
        try:
            arguments = _arguments(written, function["function"]["parameters"] if tool.fits else {})
        except ValueError as error:
            return replace(result, status="invalid", text=_error(str(error)))
        if last:
            return replace(result, status="not_run")
        kind = self.failures.kind(at)
        if kind in ("error", "timeout"):
            return replace(result, status="failed", injected=kind, text=ERROR if kind == "error" else TIMEOUT)
        text, well = kept(tool, self.example.row, session.history, at, arguments, session.caller(tool))
        if kind is not None:
            return replace(result, status="failed", injected=kind, text=damaged(kind, text))
        return replace(result, status="ok" if well else "error", text=text)


@dataclass
class _Session:
    """The calls of one sample's conversation so far, and tools in the state that these calls left."""

    use: ToolUse
    sample: int
    done: list[tuple[tuple[Mapping[str, Any], ...], tuple[ToolResult, ...]]] = field(default_factory=list)
    callers: dict[int, Caller] = field(default_factory=dict)
    history: str = ""
    """Digest of all calls so far."""

    def results(self, steps: Sequence[Step]) -> list[tuple[ToolResult, ...]]:
        """Return what came of the calls of each step; those that were not run before are run."""
        if any(calls != step.tool_calls for (calls, _), step in zip(self.done, steps, strict=False)):
            self.done, self.callers, self.history = [], {}, ""
        for step in steps[len(self.done) :]:
            self._run(step.tool_calls)
        return [results for _, results in self.done[: len(steps)]]

    def caller(self, tool: Tool) -> Caller:
        """Return what runs a tool's calls in this conversation."""
        if id(tool) not in self.callers:
            self.callers[id(tool)] = tool.open(self.use.example.row)
        return self.callers[id(tool)]

    def _run(self, calls: tuple[Mapping[str, Any], ...]) -> None:
        example, number = self.use.example, len(self.done) + 1
        self.history = digest([self.history, [dict(called) for called in calls]])
        called_before = next((n for n, (_, results) in enumerate(reversed(self.done)) if not results), len(self.done))
        last = self.use.ends(called_before + 1)
        taken = {result.id for _, results in self.done for result in results}
        found: list[ToolResult] = []
        for place, called in enumerate(calls, start=1):
            at = At(example.instruction, example.index, self.sample, number, place, str(called.get("name") or ""))
            if place > MOST_CALLS:
                text = _error(f"at most {MOST_CALLS} calls at once")
                result = ToolResult(id="", name=at.tool, arguments="", status="invalid", text=text)
            else:
                result = self.use.run(called, at, self, last)
            # Servers need an id of each call, and some repeat theirs; nine letters and digits are what all take.
            if not result.id or result.id in taken:
                result = replace(result, id=f"call{number % 1000:03d}{place % 100:02d}"[:9])
            taken.add(result.id)
            found.append(result)
        self.done.append((calls, tuple(found)))


def _said(step: Step, results: Sequence[ToolResult]) -> tuple[str, ...]:
    """Return an answer as it stands in the history: with names and arguments that every server takes."""
    if not results:
        return ("assistant", step.text)
    calls = [
        {"id": r.id, "type": "function", "function": {"name": _name(r.name), "arguments": _object(r.arguments)}}
        for r in results
    ]
    return ("assistant", step.text, _json({"tool_calls": calls}))


def _name(name: str) -> str:
    return name if NAME.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unknown"


def _object(arguments: str) -> str:
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def _arguments(written: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's arguments.

    Raises:
        ValueError: they are no JSON object, or do not fit the schema; the text is for the model.

    """
    from jsonschema.validators import Draft202012Validator

    try:
        given = json.loads(written or "{}")
    except (ValueError, RecursionError):
        raise ValueError(f"the arguments are no JSON: {written[:SHOWN]}") from None
    if not isinstance(given, dict):
        raise ValueError(f"the arguments are no JSON object: {written[:SHOWN]}")
    wrong = min(
        Draft202012Validator(dict(schema)).iter_errors(given), key=lambda e: list(map(str, e.path)), default=None
    )
    if wrong is not None:
        where = ".".join(map(str, wrong.path))
        raise ValueError(f"the arguments do not fit: {where + ': ' if where else ''}{wrong.message[:SHOWN]}")
    return given


def _error(text: str) -> str:
    return json.dumps({"error": text}, ensure_ascii=False)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
