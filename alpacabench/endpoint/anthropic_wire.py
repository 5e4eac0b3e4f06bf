"""The Anthropic wire format through the anthropic SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from alpacabench.core.tool_calls import of_blocks
from alpacabench.endpoint.body import count, decode, ending
from alpacabench.endpoint.sdk import SdkWire, receive
from alpacabench.endpoint.wire import Body, BrokenError, Completion, offers_tools, served


class AnthropicWire(SdkWire):
    """Messages of one server; bodies are those of the OpenAI format, with `system` messages and `max_tokens`."""

    default_variable = "ANTHROPIC_API_KEY"

    async def open(self) -> None:
        """Open the client."""
        import anthropic

        # The SDK adds /v1 itself; a base URL is accepted with and without it.
        address, question, query = self.url.partition("?")
        self._client = self.client(
            anthropic, anthropic.AsyncAnthropic, address.rstrip("/").removesuffix("/v1") + question + query
        )

    async def send(self, body: Body) -> Completion:
        """Send one request."""
        import anthropic

        rest = to_messages(body) | {"stream": False}
        named = {name: rest.pop(name) for name in ("model", "messages", "max_tokens")}
        sent = self._client.messages.with_raw_response.create(**named, extra_body=rest)
        return parse(*await receive(anthropic, sent, self.timeout), offered=offers_tools(body))


def to_messages(body: Body) -> Body:
    """Return an OpenAI body as Anthropic's: the system prompt apart, `stop` under its other name, `text` content."""
    rest = dict(body)
    messages = rest.pop("messages")
    system = "\n\n".join(m["content"] for m in messages if m["role"] == "system")
    rest["messages"] = [m for m in messages if m["role"] != "system"] or [{"role": "user", "content": system}]
    if system and len(rest["messages"]) < len(messages):
        rest["system"] = system
    if "stop" in rest:
        rest["stop_sequences"] = rest.pop("stop")
    if offers_tools(body):
        rest["messages"] = list(_with_blocks(rest["messages"]))
        rest["tools"] = [_tool(tool["function"]) for tool in body["tools"]]
        rest["tool_choice"] = {"type": "auto"}
    return rest


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    return {"name": function["name"], "description": function["description"], "input_schema": function["parameters"]}


def _with_blocks(messages: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield messages with calls and results as blocks; the results of one answer's calls stand in one message."""
    results: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool":
            block = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
            results.append(block)
            continue
        if results:
            yield {"role": "user", "content": results}
            results = []
        if message.get("tool_calls"):
            said = [{"type": "text", "text": message["content"]}] if message["content"].strip() else []
            yield {"role": "assistant", "content": [*said, *map(_use, message["tool_calls"])]}
        else:
            yield message
    if results:
        yield {"role": "user", "content": results}


def _use(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {"type": "tool_use", "id": call["id"], "name": function["name"], "input": json.loads(function["arguments"])}


def parse(text: str, seconds: float, offered: bool = False) -> Completion:
    """Read the body of a message.

    Args:
        text: the body.
        seconds: how long it took.
        offered: whether the model was free to call tools, so that its calls stand beside what it says.

    Raises:
        BrokenError: the body is no message.
        RefusedError: it is an error.

    """
    body = decode(text)
    try:
        blocks, usage = body["content"], body.get("usage")
        calls = tuple(of_blocks(blocks)) if offered else ()
        named = (
            [] if offered else [json.dumps(b["input"], ensure_ascii=False) for b in blocks if b["type"] == "tool_use"]
        )
        said = named[0] if named else "".join(b["text"] for b in blocks if b["type"] == "text")
        cached = count(usage, "cache_read_input_tokens")
        return Completion(
            text=said,
            raw={"content": blocks, "stop_reason": body.get("stop_reason") or "end_turn"},
            finish_reason=ending(body.get("stop_reason"), empty=not (said or calls)),
            prompt_tokens=count(usage, "input_tokens") + cached + count(usage, "cache_creation_input_tokens"),
            completion_tokens=count(usage, "output_tokens"),
            cached_tokens=cached,
            reasoning="".join(b["thinking"] for b in blocks if b["type"] == "thinking") or None,
            seconds=seconds,
            served=served(body),
            calls=calls,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BrokenError(f"the answer is no message: {text[:200]!r}") from None
