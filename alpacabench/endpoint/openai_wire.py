"""The OpenAI wire format through the openai SDK: OpenAI, Azure, Mistral, Gemini, vLLM, SGLang, llama.cpp, Ollama."""

from __future__ import annotations

import json
from typing import Any

from alpacabench.core.hosts import api_key
from alpacabench.endpoint.sdk import SdkWire, receive
from alpacabench.endpoint.wire import Body, BrokenError, Completion


class OpenAIWire(SdkWire):
    """Chat completions, or plain ones where the body has a `prompt`, of one server."""

    default_variable = "OPENAI_API_KEY"

    async def open(self) -> None:
        """Open the client."""
        import openai

        self._client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=api_key(self.url, self.default_variable),
            max_retries=0,
            timeout=self.timeout,
        )

    async def send(self, body: Body) -> Completion:
        """Send one request and return its first choice."""
        import openai

        rest = dict(body)
        if "prompt" in rest:
            call = self._client.completions.with_raw_response
            sent = call.create(model=rest.pop("model"), prompt=rest.pop("prompt"), extra_body=rest)
        else:
            call = self._client.chat.completions.with_raw_response
            # Typed arguments are walked field by field, a sixth of the time of a request; extra_body is sent as it is.
            sent = call.create(model=rest.pop("model"), messages=[], extra_body=rest)
        return parse(*await receive(openai, sent, self.timeout))


def parse(text: str, seconds: float) -> Completion:
    """Read the body of a (chat) completion.

    Raises:
        BrokenError: the body is no completion.

    """
    try:
        body = json.loads(text)
        choice = body["choices"][0]
        message = choice.get("message") or {"content": choice.get("text")}
        usage = body.get("usage") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return Completion(
            text=_text(message),
            raw=choice,
            finish_reason=choice.get("finish_reason") or "stop",
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
            cached_tokens=int(cached),
            reasoning=message.get("reasoning_content") or message.get("reasoning") or _thinking(message),
            seconds=seconds,
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise BrokenError(f"the answer is no completion: {text[:200]!r}") from None


def _thinking(message: dict[str, Any]) -> str | None:
    """Return the trace that Mistral's reasoning models send as a part of the content."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    pieces = [piece.get("text") or "" for part in parts for piece in part.get("thinking") or []]
    return "".join(pieces) or None


def _text(message: dict[str, Any]) -> str:
    if message.get("tool_calls"):
        return str(message["tool_calls"][0]["function"]["arguments"])
    if message.get("function_call"):
        return str(message["function_call"]["arguments"])
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content)
    return content or ""
