"""Tools in a prompt: as chat templates take them, and in words for templates that know no tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alpacabench.core.exchange import Message, Messages, chat

Tools = Sequence[Mapping[str, Any]]

ASKED = """You may call the tools below. Each line is one tool as JSON: its name, what it does, and the JSON Schema of \
its arguments.
<tools>
{tools}
</tools>
To call a tool, write one such block for each call, and nothing after the last:
<tool_call>
{{"name": "NAME", "arguments": {{...}}}}
</tool_call>
Each result then comes in a <tool_response> block. Where you need no tool, answer as usual."""


def has_calls(messages: Messages) -> bool:
    """Return whether a conversation has calls or results in it."""
    return any(len(message) > 2 for message in messages)


def for_template(messages: Messages, singly: bool = False) -> list[Message]:
    """Return the messages as templates take them: arguments as objects, results with their function's name.

    Args:
        messages: the conversation.
        singly: whether the calls of one answer stand one by one, each before its result.

    """
    named: dict[str, str] = {}
    found: list[Message] = []
    for message in chat(messages):
        calls = [_as_object(call) for call in message.get("tool_calls", ())]
        named |= {call["id"]: call["function"]["name"] for call in calls}
        if message["role"] == "tool":
            found.append(message | {"name": named.get(message.get("tool_call_id", ""), "")})
        else:
            found.append(message | ({"tool_calls": calls} if calls else {}))
    return list(_one_by_one(found)) if singly else found


def in_words(messages: Messages, tools: Tools) -> Messages:
    """Return a conversation of plain texts: the tools in the system prompt, calls and results in tagged blocks."""
    found: list[tuple[str, str]] = []
    for message in chat(messages):
        calls = [call["function"] for call in message.get("tool_calls", ())]
        if calls:
            blocks = [f'{{"name": {json.dumps(c["name"])}, "arguments": {c["arguments"]}}}' for c in calls]
            said = [message["content"], *(f"<tool_call>\n{block}\n</tool_call>" for block in blocks)]
            found.append(("assistant", "\n".join(filter(None, said))))
        elif message["role"] == "tool":
            result = f"<tool_response>\n{message['content']}\n</tool_response>"
            if found and found[-1][0] == "user" and found[-1][1].startswith("<tool_response>"):
                result = f"{found.pop()[1]}\n{result}"
            found.append(("user", result))
        else:
            found.append((message["role"], message["content"]))
    if not tools:
        return tuple(found)
    lines = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in tools)
    system = [found.pop(0)[1]] if found and found[0][0] == "system" else []
    return (("system", "\n\n".join([*system, ASKED.format(tools=lines)])), *found)


def names(tools: Tools) -> Iterator[str]:
    """Yield the functions' names."""
    yield from (tool["function"]["name"] for tool in tools)


def _as_object(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}


def _one_by_one(messages: Sequence[Message]) -> Iterator[Message]:
    results = {m["tool_call_id"]: m for m in messages if m["role"] == "tool"}
    for message in messages:
        for number, call in enumerate(message.get("tool_calls", ())):
            yield message | {"tool_calls": [call], "content": "" if number else message["content"]}
            if call["id"] in results:
                yield results[call["id"]]
        if message["role"] != "tool" and not message.get("tool_calls"):
            yield message
