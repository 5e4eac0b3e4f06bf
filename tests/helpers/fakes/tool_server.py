"""A fake model with tools over real HTTP, in both wire formats; what the user says tells it how to behave.

[rightly 6*7]    calls the calculator once, then says its result
[wrongly]        calls a tool that was not offered, then gives up
[never]          answers at once
[forever]        calls again and again
[parallel 1+1 2+2]  calls twice in one answer, then says both results
[malformed]      sends arguments that are no JSON, then calls rightly (6*7)
[again 6*7]      calls until a result is a number, then says it
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.helpers.fakes.http_server import HttpServer, Request, Response, error

BEHAVIOUR = re.compile(r"\[(rightly|wrongly|never|forever|parallel|malformed|again)((?: [^\]\s]+)*)\]")
Call = tuple[str, Any]


class ToolModel:
    """Answers a chat by what its last user turn says; `shape` is how calls are written on the wire."""

    def __init__(self, shape: str = "openai") -> None:
        self.shape = shape
        self.bodies: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []

    def server(self, **options: Any) -> HttpServer:
        return HttpServer(self.handle, **options)

    def handle(self, request: Request) -> Response:
        body = request.body
        self.bodies.append(body)
        if self.shape == "anthropic":
            messages = plain(body["messages"])
            assert all({"name", "input_schema"} <= set(tool) for tool in body["tools"]), body["tools"]
        else:
            messages = body["messages"]
            assert all(tool["type"] == "function" for tool in body.get("tools", ()))
            if problem := unmatched(messages):
                return error(400, problem)
        # Ids that stand in no order of requests, and once in a conversation.
        self.said = messages
        said, calls = behave(messages)
        return Response(self.anthropic(said, calls) if self.shape == "anthropic" else self.openai(said, calls))

    def openai(self, said: str, calls: list[Call]) -> dict[str, Any]:
        given = []
        for number, (name, arguments) in enumerate(calls):
            text = arguments if isinstance(arguments, str) else json.dumps(arguments)
            call: dict[str, Any] = {"id": f"call_{len(self.said)}_{number}", "type": "function"}
            call["function"] = {"name": name, "arguments": arguments if self.shape == "objects" else text}
            if self.shape == "no_ids":
                del call["id"], call["type"]
            if self.shape == "same_ids":
                call["id"] = "call_0"
            given.append(call)
        message = {"role": "assistant", "content": said or None} | ({"tool_calls": given} if given else {})
        reason = "tool_calls" if given and self.shape != "no_ids" else "stop"
        usage = {"prompt_tokens": 20, "completion_tokens": 5}
        return {"choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage, "model": "m"}

    def anthropic(self, said: str, calls: list[Call]) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [{"type": "text", "text": said}] if said else []
        for i, (name, given) in enumerate(calls):
            inputs = given if isinstance(given, dict) else {}
            blocks.append({"type": "tool_use", "id": f"toolu_{len(self.said)}_{i}", "name": name, "input": inputs})
        return {"id": "msg", "type": "message", "role": "assistant", "model": "m", "content": blocks,
                "stop_reason": "tool_use" if calls else "end_turn",
                "usage": {"input_tokens": 20, "output_tokens": 5}}  # fmt: skip


def behave(messages: list[dict[str, Any]]) -> tuple[str, list[Call]]:
    """Return what is said, and what is called, after these messages."""
    last = max(i for i, message in enumerate(messages) if message["role"] == "user")
    found = BEHAVIOUR.search(messages[last]["content"])
    kind, given = (found[1], found[2].split()) if found else ("never", [])
    results = [m["content"] for m in messages[last:] if m["role"] == "tool"]
    calls: list[Call] = [("calculator", {"expression": text}) for text in given or ["6*7"]]
    if kind == "forever":
        return "", calls
    if kind == "again":
        number = next((text for text in results if re.fullmatch(r"-?[\d.]+", text)), None)
        return (f"It is {number}.", []) if number else ("", calls)
    if kind == "malformed" and len(results) < 2:
        return "", calls if results else [("calculator", '{"expression": ')]
    if kind == "malformed":
        return f"It is {results[-1]}.", []
    if kind == "never":
        return "I would rather not.", []
    if not results:
        return "Let me see.", [("no_such_tool", {})] if kind == "wrongly" else calls
    return ("I give up." if kind == "wrongly" else f"It is {' and '.join(results)}."), []


def unmatched(messages: list[dict[str, Any]]) -> str | None:
    """Return what OpenAI's servers refuse: calls without results, results without calls, arguments that are no JSON."""
    open_: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_:
                return f"no call {message['tool_call_id']}"
            open_.remove(message["tool_call_id"])
            continue
        if open_:
            return f"no result of {open_}"
        for call in message.get("tool_calls", ()):
            json.loads(call["function"]["arguments"])
            open_.append(call["id"])
        if len(set(open_)) < len(open_):
            return "an id stands twice"
    return f"no result of {open_}" if open_ else None


def plain(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Anthropic's messages as OpenAI's; roles alternate and every use has its result in the next message."""
    found: list[dict[str, Any]] = []
    uses: list[str] = []
    for message in messages:
        blocks = message["content"]
        if isinstance(blocks, str):
            assert not uses
            found.append(message)
            continue
        if message["role"] == "user":
            assert [b["tool_use_id"] for b in blocks] == uses
            found += [{"role": "tool", "content": b["content"], "tool_call_id": b["tool_use_id"]} for b in blocks]
            uses = []
        else:
            uses = [b["id"] for b in blocks if b["type"] == "tool_use"]
            found.append({"role": "assistant", "content": "".join(b.get("text", "") for b in blocks)})
    roles = [message["role"] for message in messages]
    assert all(a != b for a, b in zip(roles, roles[1:], strict=False)), roles
    return found
