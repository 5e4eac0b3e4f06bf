"""The Anthropic wire format through the anthropic SDK."""

from __future__ import annotations

import json

from alpacabench.endpoint.body import count, decode, ending
from alpacabench.endpoint.sdk import SdkWire, receive
from alpacabench.endpoint.wire import Body, BrokenError, Completion, served


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
        return parse(*await receive(anthropic, sent, self.timeout))


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
    return rest


def parse(text: str, seconds: float) -> Completion:
    """Read the body of a message.

    Raises:
        BrokenError: the body is no message.
        RefusedError: it is an error.

    """
    body = decode(text)
    try:
        blocks, usage = body["content"], body.get("usage")
        called = [json.dumps(b["input"], ensure_ascii=False) for b in blocks if b["type"] == "tool_use"]
        said = called[0] if called else "".join(b["text"] for b in blocks if b["type"] == "text")
        cached = count(usage, "cache_read_input_tokens")
        return Completion(
            text=said,
            raw={"content": blocks, "stop_reason": body.get("stop_reason") or "end_turn"},
            finish_reason=ending(body.get("stop_reason"), empty=not said),
            prompt_tokens=count(usage, "input_tokens") + cached + count(usage, "cache_creation_input_tokens"),
            completion_tokens=count(usage, "output_tokens"),
            cached_tokens=cached,
            reasoning="".join(b["thinking"] for b in blocks if b["type"] == "thinking") or None,
            seconds=seconds,
            served=served(body),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BrokenError(f"the answer is no message: {text[:200]!r}") from None
