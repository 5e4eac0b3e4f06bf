"""The OpenAI wire format through the openai SDK: OpenAI, Azure, Mistral, Gemini, vLLM, SGLang, llama.cpp, Ollama."""

from __future__ import annotations

import json
from typing import Any

from alpacabench.core.tool_calls import of_message
from alpacabench.endpoint.body import count, decode, ending, written_tokens
from alpacabench.endpoint.sdk import SdkWire, receive
from alpacabench.endpoint.wire import OWN_ENDINGS, Body, BrokenError, Completion, offers_tools, served

NO_CHOICE = {"message": None, "finish_reason": None}
"""What a filter leaves of an answer."""


class OpenAIWire(SdkWire):
    """Chat completions, or plain ones where the body has a `prompt`, of one server."""

    default_variable = "OPENAI_API_KEY"

    async def open(self) -> None:
        """Open the client."""
        import openai

        self._client = self.client(openai, openai.AsyncOpenAI, self.url)

    async def send(self, body: Body) -> Completion:
        """Send one request and return its first choice."""
        import openai

        # Some servers stream unless they are told not to.
        rest = dict(body) | {"stream": False}
        if "prompt" in rest:
            call = self._client.completions.with_raw_response
            sent = call.create(model=rest.pop("model"), prompt=rest.pop("prompt"), extra_body=rest)
        else:
            call = self._client.chat.completions.with_raw_response
            # Typed arguments are walked field by field, a sixth of the time of a request; extra_body is sent as it is.
            sent = call.create(model=rest.pop("model"), messages=[], extra_body=rest)
        received = await receive(openai, sent, self.timeout)
        return parse(*received, called="tools" in body or "functions" in body, offered=offers_tools(body))


def parse(text: str, seconds: float, called: bool = False, offered: bool = False) -> Completion:
    """Read the body of a (chat) completion.

    Args:
        text: the body.
        seconds: how long it took.
        called: whether the request named functions, so that the arguments of a called one are the answer.
        offered: whether the model was free to call them, so that its calls stand beside what it says.

    Raises:
        BrokenError: the body is no completion.
        RefusedError: it is an error.

    """
    body = decode(text)
    try:
        choices = body["choices"] or [NO_CHOICE]
        choice = next((c for c in choices if c.get("index") == 0), choices[0])
        told = choice.get("message") is not None or "text" not in choice
        message, reason = choice["message"] if told else {"content": choice["text"]}, choice.get("finish_reason")
        if message is None:
            message, reason = {}, reason if str(reason).casefold() in OWN_ENDINGS else "no message"
        calls, said = tuple(of_message(message)) if offered else (), _text(message)
        arguments = None if offered else _arguments(message)
        answer = arguments if called and arguments is not None else said
        if arguments is not None and not answer:
            reason = "a call of a function that was not offered"
        usage = body.get("usage")
        return Completion(
            text=answer,
            raw=choice if message else body,
            finish_reason=ending(reason, empty=not (answer or calls)),
            prompt_tokens=count(usage, "prompt_tokens"),
            completion_tokens=written_tokens(usage),
            cached_tokens=count(usage, "prompt_tokens_details", "cached_tokens"),
            reasoning=_trace(message),
            seconds=seconds,
            served=served(body),
            calls=calls,
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise BrokenError(f"the answer is no completion: {text[:200]!r}") from None


def _trace(message: dict[str, Any]) -> str | None:
    """Return the trace: under a name of its own, or as Mistral's reasoning models send it, a part of the content."""
    named = (message.get(name) for name in ("reasoning_content", "reasoning"))
    content = message.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    thoughts = [piece for part in parts if isinstance(part.get("thinking"), list) for piece in part["thinking"]]
    pieces = "".join(str(piece.get("text") or "") for piece in thoughts if isinstance(piece, dict))
    return next((text for text in named if isinstance(text, str) and text), None) or pieces or None


def _arguments(message: dict[str, Any]) -> str | None:
    """Return the arguments of the function that was called, as a text: some servers send an object."""
    calls = message.get("tool_calls")
    function = calls[0]["function"] if calls else message.get("function_call")
    if not function:
        return None
    arguments = function["arguments"]
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _text(message: dict[str, Any]) -> str:
    """Return what is said: the content, or the parts of it that are text, or the refusal in its place.

    Raises:
        TypeError: the content is neither.

    """
    content = message.get("content")
    if isinstance(content, list | dict):
        content = "".join(_piece(part) for part in (content if isinstance(content, list) else [content]))
    said = message.get("refusal") if content is None or content == "" else content
    if said is not None and not isinstance(said, str):
        raise TypeError("no text")
    return said or ""


def _piece(part: Any) -> str:
    if isinstance(part, str):
        return part
    said = part.get("text", part.get("refusal"))
    if said is None and part.get("type") not in ("thinking", "reasoning"):
        raise TypeError("a part that is no text")
    return said or ""
