"""What the body of a reply says, whatever its shape: read by one rule for every wire format, and never trusted."""

from __future__ import annotations

import json
import math
import re
from typing import Any, cast

from alpacabench.endpoint.wire import BrokenError, RefusedError

ENDINGS = {
    "stop": ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "stop_string", "end_of_text", "complete",
             "completed", "finished", "tool_calls", "function_call", "tool_use"),
    "length": ("length", "max_tokens", "model_length", "max_output_tokens", "token_limit", "max_length",
               "model_context_window_exceeded"),
}  # fmt: skip
"""How servers say that an answer is whole, and that it was cut at its limit. Every other word means that it is none."""
KINDS = (
    (429, r"rate.?limit|too.many.requests|quota|throttl"), (503, r"overload|unavailable|capacity|busy"),
    (408, r"time.?out|timed.out"), (401, r"authenti|invalid.api.key"), (403, r"permission|forbidden"),
    (404, r"model.not.found|not.found.error|unexpected endpoint"),
    (400, r"invalid|bad.?request|content.filter|context.length|too.long|sensitive"),
    (400, r"blocked|moderat|flagged|safety|polic"),
)  # fmt: skip
"""Of an error without a number: the status that other servers send with such words."""
STREAM = ("data:", "event:")


def decode(text: str) -> dict[str, Any]:
    """Return the object that a body holds; half of a surrogate pair in it becomes U+FFFD.

    Raises:
        BrokenError: it holds none.
        RefusedError: it holds an error, although the status of the reply said that all is well.

    """
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        what = "a stream of events, although none was asked for" if text.lstrip().startswith(STREAM) else "no JSON"
        raise BrokenError(f"the answer is {what}: {text[:200]!r}") from None
    # Gemini puts an error in a list, also where a gateway sends it with status 200.
    body = body[0] if isinstance(body, list) and body and isinstance(body[0], dict) and body[0].get("error") else body
    if not isinstance(body, dict):
        raise BrokenError(f"the answer is no completion: {text[:200]!r}")
    refusal = _refusal(body)
    if refusal is not None:
        raise refusal
    return cast(dict[str, Any], _mended(body) if re.search(r"\\u[dD][89a-fA-F]", text) else body)


def ending(reason: Any, empty: bool) -> str:
    """Return 'stop', 'length', or the server's own word for an ending after which there is no answer."""
    word = str(reason or "none").casefold()
    if word in ("none", "null") and not empty:
        return "stop"
    return next((name for name, words in ENDINGS.items() if word in words), word)


def count(usage: Any, *path: str) -> int:
    """Return a number of tokens from a usage; 0 where it tells none, -1 where what it tells cannot be."""
    for name in path:
        usage = usage.get(name) if isinstance(usage, dict) else None
    if usage is None:
        return 0
    try:
        value = float(usage) if isinstance(usage, int | float | str) and not isinstance(usage, bool) else -1.0
    except (ValueError, OverflowError):
        return -1
    return int(value) if 0 <= value < math.inf else -1


def written_tokens(usage: Any) -> int:
    """Return the tokens of an answer: Gemini and Grok count what was thought in the total alone, and bill it."""
    prompt, written, total = (count(usage, f"{name}_tokens") for name in ("prompt", "completion", "total"))
    return total - prompt if min(prompt, written) >= 0 and prompt and total > prompt + written else written


def detail(body: Any) -> dict[str, Any]:
    """Return what an error body says: Gemini puts it in a list, FastAPI under `detail`, Ollama's error is a text."""
    body = body[0] if isinstance(body, list) and body else body
    if isinstance(body, str):
        return {"message": body}
    if not isinstance(body, dict):
        return {}
    inner = body.get("error") or body.get("detail") or body.get("errors")
    inner = (
        inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) and "code" in inner[0] else inner
    )
    if isinstance(inner, dict):
        return inner
    return body | {"message": inner if isinstance(inner, str) else json.dumps(inner)} if inner else body


def _refusal(body: dict[str, Any]) -> RefusedError | None:
    """Return the error in a body that came with status 200, as routers send what a model's own server refused."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    given = body if body.get("error") else first if first.get("error") else None
    if given is None and not choices and "content" not in body and (body.get("message") or body.get("detail")):
        given = body
    status = body.get("base_resp")
    if given is None and not choices and isinstance(status, dict) and status.get("status_msg"):
        given = {"code": status.get("status_code"), "message": status["status_msg"]}
    if given is None:
        return None
    said = detail(given)
    if choices and str(said.get("code")) in ("0", "200"):
        return None
    metadata = said.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    message = str(said.get("message") or json.dumps(said)) + (f" ({raw})" if raw else "")
    code = str(said.get("code") or said.get("type") or "")
    return RefusedError(_status(code, f"{code} {said.get('type')} {message}"), message[:500], code, sent=200)


def _status(code: str, words: str) -> int:
    if code.isascii() and code.isdigit() and 400 <= int(code[:5]) <= 599:
        return int(code)
    return next((status for status, pattern in KINDS if re.search(pattern, words, re.IGNORECASE)), 500)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return value
