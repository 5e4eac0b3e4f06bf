"""A fake server that rewords and checks: what it writes depends on nothing but what it is asked."""

from __future__ import annotations

import re
from typing import Any

from tests.helpers.fakes.http_server import HttpServer
from tests.helpers.fakes.openai_server import Choice, chat_server

REQUEST_B = re.compile(r"Request A:\n(.*?)\n\nRequest B:\n(.*?)\n\nWould every", re.DOTALL)
DRIFTS = "code"
"""A prompt that mentions it is reworded into another task, which the checker sees."""


def text_of(body: dict[str, Any]) -> str:
    return body["messages"][-1]["content"]


def is_check(body: dict[str, Any]) -> bool:
    return "Answer with yes or no." in text_of(body)


def reworded(instruction: str, seed: int = 0) -> str:
    return f"Please, {'kindly ' * seed}{instruction}"


def answer(body: dict[str, Any]) -> Choice:
    """Answer a request to reword with the request, politely; a check with yes where nothing but that changed."""
    text = text_of(body)
    if pair := REQUEST_B.search(text):
        first, second = (one.replace("Please, ", "").replace("kindly ", "") for one in pair.groups())
        said = "Yes." if first == second else "No, request B asks for something else."
    else:
        instruction = text.rpartition("\n\n")[2]
        if DRIFTS in instruction:
            instruction = f"never mind the {DRIFTS}"
        said = f'Sure, here is the reworded request:\n\n"{reworded(instruction, body.get("seed", 0) % 7)}"'
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}


def writer_server(**options: Any) -> HttpServer:
    """Return the server."""
    return chat_server(answer, **options)
