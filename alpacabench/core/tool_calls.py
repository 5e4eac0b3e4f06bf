"""Calls of tools, as models write them: on the wire of an API, or in the text of a local model.

One reader for all shapes. It is tolerant in shape (arguments as an object or as text, ids missing, a tag that is not
closed) and strict in meaning: what is marked as a call and cannot be read is a call that is invalid, and text without a
mark is a call only where all of it is one.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Called(NamedTuple):
    """One call, as the model wrote it."""

    name: str
    """Empty where none could be read."""
    arguments: str
    """JSON text where the model wrote JSON; anything else as it stands."""
    id: str = ""
    """As the server gave it; empty where it gave none."""


NAMES, ARGUMENTS = ("name", "function", "tool_name", "tool"), ("arguments", "parameters", "args", "input")

_TAGGED = re.compile(
    r"<(?P<tag>tool_calls?|function_calls?)>(?P<tagged>.*?)(?:</(?P=tag)>|(?=<(?P=tag)>)|\Z)"
    r"|<function=(?P<name>[\w.-]+)>(?P<function>.*?)(?:</function>|\Z)"
    r"|<\|(?:tool_call|python_tag)\|>(?P<token>.*?)(?:<\|/tool_call\|>|<\|eom_id\|>|\Z)"
    r"|\[TOOL_CALLS\]\s*(?P<mistral>\[.*|\w[\w.-]*(?:\[CALL_ID\]\w*)?(?:\[ARGS\])?\s*\{.*)",
    re.DOTALL,
)
"""Hermes, Qwen and SmolLM2; Llama 3's own functions; Llama 3 and Granite; Mistral, old and new."""
_PARAMETER = re.compile(r"<parameter=([\w.-]+)>\n?(.*?)\n?(?:</parameter>|(?=<parameter=)|\Z)", re.DOTALL)
_MISTRAL = re.compile(r"(?:\[TOOL_CALLS\])?\s*(\w[\w.-]*)(?:\[CALL_ID\]\w*)?(?:\[ARGS\])?\s*(?=\{)")
_FENCE = re.compile(r"\A\s*```(?:json|tool_call|tool_code|python)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


def of_text(text: str) -> tuple[str, list[Called]]:
    """Return what a local model says beside its calls, and its calls; no calls where the text holds none."""
    calls: list[Called] = []
    for found in _TAGGED.finditer(text):
        calls += _tagged(found)
    if calls:
        return _TAGGED.sub("", text).strip(), calls
    whole = _whole(text)
    return ("", whole) if whole else (text, [])


def of_message(message: Any) -> list[Called]:
    """Return the calls of an OpenAI message: `tool_calls`, or the `function_call` of older servers.

    Whatever a server sends makes a call or none: what cannot be read is a call without a name.
    """
    if not isinstance(message, Mapping):
        return []
    given = message.get("tool_calls") or message.get("function_call")
    if not given:
        return []
    return [_of_object(item) or Called("", _json(item)) for item in (given if isinstance(given, list) else [given])]


def of_blocks(blocks: Any) -> list[Called]:
    """Return the calls of an Anthropic message: its blocks of type `tool_use`."""
    found = [b for b in blocks if isinstance(b, Mapping) and b.get("type") == "tool_use"] if _listed(blocks) else []
    return [Called(_text(b.get("name")), _json(b.get("input", {})), _text(b.get("id"))) for b in found]


def _tagged(found: re.Match[str]) -> Iterator[Called]:
    if found["name"]:
        written = found["function"].strip()
        pairs = _PARAMETER.findall(written)
        yield Called(
            found["name"], json.dumps({k: _value(v) for k, v in pairs}, ensure_ascii=False) if pairs else written
        )
    elif found["mistral"] and not found["mistral"].startswith("["):
        yield from _named_in_front(found["mistral"])
    else:
        inner = next(part for part in (found["tagged"], found["token"], found["mistral"]) if part is not None)
        if found["tagged"] is not None and (nested := list(_nested(inner))):
            yield from nested
            return
        calls = _objects(inner)
        yield from calls if calls else [Called("", inner.strip())]


def _nested(inner: str) -> Iterator[Called]:
    """Yield the calls of Qwen's coders, which write <function=...> inside of the tag."""
    for found in re.finditer(r"<function=([\w.-]+)>(.*?)(?:</function>|\Z)", inner, re.DOTALL):
        pairs = _PARAMETER.findall(found[2])
        yield Called(found[1], json.dumps({name: _value(value) for name, value in pairs}, ensure_ascii=False))


def _named_in_front(text: str) -> Iterator[Called]:
    at = 0
    while found := _MISTRAL.match(text, at):
        try:
            arguments, end = json.JSONDecoder().raw_decode(text, found.end())
        except (ValueError, RecursionError):
            yield Called(found[1], text[found.end() :].strip())
            return
        yield Called(found[1], _json(arguments))
        at = end


def _objects(text: str) -> list[Called]:
    """Return the calls of one or several JSON values that follow each other; none where one of them is no call."""
    calls: list[Called] = []
    decoder, at = json.JSONDecoder(strict=False), 0
    text = text.strip()
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return calls if calls and not text[at:].strip("]}>` \n;") else []
        for item in value if isinstance(value, list) else [value]:
            call = _of_object(item)
            if call is None:
                return []
            calls.append(call)
        at += len(text[at:]) - len(text[at:].lstrip(" \n\t,;"))
    return calls


def _whole(text: str) -> list[Called]:
    """Return the calls of a text that is nothing else: JSON with name and arguments, or Python's [f(a=1), g(b=2)]."""
    stripped = found[1].strip() if (found := _FENCE.match(text)) else text.strip()
    if stripped.startswith(("{", "[")):
        calls = _objects(stripped)
        if calls and all(call.arguments.lstrip().startswith("{") for call in calls):
            return calls
        return _python(stripped) if stripped.startswith("[") else []
    return []


def _python(text: str) -> list[Called]:
    try:
        body = ast.parse(text, mode="eval").body
        listed = body.elts if isinstance(body, ast.List) else []
        calls = [_python_call(node) for node in listed]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return []
    return [call for call in calls if call] if all(calls) else []


def _python_call(node: ast.AST) -> Called | None:
    if not isinstance(node, ast.Call) or node.args or any(keyword.arg is None for keyword in node.keywords):
        return None
    values = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    return Called(ast.unparse(node.func), json.dumps(values, ensure_ascii=False))


def _of_object(item: Any) -> Called | None:
    """Return the call that a JSON object is; None where it is none."""
    if not isinstance(item, Mapping):
        return None
    inner = item.get("function")
    if isinstance(inner, Mapping):
        call = _of_object(inner)
        return call and call._replace(id=_text(item.get("id")) or call.id)
    name = next((item[key] for key in NAMES if isinstance(item.get(key), str)), None)
    key = next((key for key in ARGUMENTS if key in item), None)
    if name is None or (key is None and set(item) - {"name", "id", "type", "index"}):
        return None
    return Called(name.strip(), _json(item.get(key) if key else {}), _text(item.get("id")))


def _json(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "{}" if value is None else json.dumps(value, ensure_ascii=False)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
