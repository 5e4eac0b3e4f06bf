"""The Anthropic wire format through the anthropic SDK."""

from __future__ import annotations

import json

from alpacabench.core.hosts import api_key
from alpacabench.endpoint.sdk import SdkWire, receive
from alpacabench.endpoint.wire import Body, BrokenError, Completion

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}


class AnthropicWire(SdkWire):
    """Messages of one server; bodies are those of the OpenAI format, with `system` messages and `max_tokens`."""

    default_variable = "ANTHROPIC_API_KEY"

    async def open(self) -> None:
        """Open the client."""
        import anthropic

        # The SDK adds /v1 itself; a base URL is accepted with and without it.
        self._client = anthropic.AsyncAnthropic(
            base_url=self.url.rstrip("/").removesuffix("/v1"),
            api_key=api_key(self.url, self.default_variable),
            max_retries=0,
            timeout=self.timeout,
        )

    async def send(self, body: Body) -> Completion:
        """Send one request."""
        import anthropic

        rest = to_messages(body)
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

    """
    try:
        body = json.loads(text)
        blocks, usage = body["content"], body.get("usage") or {}
        called = [json.dumps(b["input"]) for b in blocks if b["type"] == "tool_use"]
        cached = int(usage.get("cache_read_input_tokens") or 0)
        stop = body.get("stop_reason") or "end_turn"
        return Completion(
            text=called[0] if called else "".join(b["text"] for b in blocks if b["type"] == "text"),
            raw={"content": blocks, "stop_reason": stop},
            finish_reason=FINISH.get(stop, stop),
            prompt_tokens=int(usage.get("input_tokens") or 0) + cached,
            completion_tokens=int(usage.get("output_tokens") or 0),
            cached_tokens=cached,
            reasoning="".join(b["thinking"] for b in blocks if b["type"] == "thinking") or None,
            seconds=seconds,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BrokenError(f"the answer is no message: {text[:200]!r}") from None
