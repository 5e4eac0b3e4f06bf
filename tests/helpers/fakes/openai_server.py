"""A fake OpenAI server that answers judge prompts: with recorded log probabilities, or with made-up ones.

    python -m tests.helpers.fakes.openai_server --data ../shared/alpaca_eval --port 8765

Prompts are told apart by their exact messages, made as alpaca_eval makes them and not by our own code.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.helpers.fakes.http_server import HttpServer, Request, Response, error

TEMPLATE = "alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt"
Choice = dict[str, Any]
Answer = Callable[[dict[str, Any]], Choice | Response]


def read(path: Path) -> list[dict[str, Any]]:
    return json.loads(gzip.decompress(path.read_bytes()))


def models(data: Path) -> list[str]:
    return sorted(path.name.removesuffix(".annotations.json.gz") for path in data.glob("*.annotations.json.gz"))


def alpaca_eval_messages(instruction: str, output_1: str, output_2: str) -> list[dict[str, str]]:
    """Fill the template and split it into messages, in alpaca_eval's order of doing so."""
    spec = find_spec("alpaca_eval")
    assert spec and spec.origin
    prompt = (Path(spec.origin).parent / "evaluators_configs" / TEMPLATE).read_text(encoding="utf-8")
    for name, value in (("instruction", instruction), ("output_1", output_1), ("output_2", output_2)):
        prompt = prompt.replace("{" + name + "}", value, 1)
    parts = [part.split("\n", 1) for part in prompt.strip().split("<|im_start|>")[1:]]
    return [{"role": role.strip(), "content": text.split("<|im_end|>", 1)[0].strip()} for role, text in parts]


def switched(instruction: str) -> bool:
    return random.Random("is_switched_outputs" + instruction + "0").choices([False, True], k=1)[0]


def choice_of(preference: float) -> Choice:
    """Return a choice whose log probabilities give a preference in the order shown."""
    first = min(max(2.0 - preference, 1e-300), 1.0)
    second = min(max(preference - 1.0, 1e-300), 1.0)
    top = [{"token": "m", "logprob": math.log(first)}, {"token": "M", "logprob": math.log(second)}]
    token = max(top, key=lambda entry: entry["logprob"])
    return {
        "index": 0,
        "finish_reason": "length",
        "message": {"role": "assistant", "content": token["token"]},
        "logprobs": {"content": [token | {"top_logprobs": top}]},
    }


def recorded(data: Path, names: list[str] | None = None) -> Answer:
    """Answer with what the judge said of these models; any other prompt is an error."""
    reference = {row["instruction"]: row["output"] for row in read(data / "gpt4_1106_preview.outputs.json.gz")}
    known: dict[str, Choice] = {}
    for name in names or models(data):
        outputs = {row["instruction"]: row["output"] for row in read(data / f"{name}.outputs.json.gz")}
        for row in read(data / f"{name}.annotations.json.gz"):
            instruction, raw = row["instruction"], row.get("raw_completion")
            swap = switched(instruction)
            shown = (outputs[instruction], reference[instruction])
            messages = alpaca_eval_messages(instruction, *(shown if swap else shown[::-1]))
            raw = ast.literal_eval(raw) if isinstance(raw, str) else raw
            preference = 3.0 - row["preference"] if swap else row["preference"]
            known[_digest(messages)] = raw or choice_of(preference)
    return lambda body: known[_digest(body["messages"])]


def made_up(body: dict[str, Any]) -> Choice:
    """Answer any prompt, always the same."""
    return choice_of(1.0 + int(_digest(body["messages"])[:8], 16) / 0xFFFFFFFF)


def chat_server(
    answer: Answer, tokens: Callable[[str], int] = lambda text: len(text) // 4, **options: Any
) -> HttpServer:
    """Return a server of chat completions.

    Args:
        answer: from the request's body to a choice; KeyError is an unknown prompt, a Response is sent as it is.
        tokens: counts the tokens of a text.
        options: of `HttpServer`.

    """

    def handle(request: Request) -> Response:
        if not request.path.endswith("completions"):
            return error(404, f"no such path: {request.path}")
        body = request.body
        try:
            choice = answer(body)
        except KeyError:
            return error(400, "this prompt was not recorded", "unknown_prompt")
        if isinstance(choice, Response):
            return choice
        prompt = sum(tokens(m["content"]) for m in body["messages"]) if "messages" in body else tokens(body["prompt"])
        text = (choice.get("message") or {}).get("content") or choice.get("text") or ""
        usage = {"prompt_tokens": prompt, "completion_tokens": max(1, tokens(text))}
        usage["total_tokens"] = sum(usage.values())
        return Response({"id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
                         "choices": [choice], "usage": usage})  # fmt: skip

    return HttpServer(handle, **options)


def _digest(messages: Any) -> str:
    return hashlib.sha256(json.dumps([[m["role"], m["content"]] for m in messages]).encode()).hexdigest()


def questions(server: HttpServer) -> Counter[str]:
    """Return how often each question was asked: of one model, in these words, with this seed and temperature."""
    fields = ("model", "messages", "seed", "temperature")
    return Counter(json.dumps([request.body.get(name) for name in fields]) for request in server.requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the recorded data; without it answers are made up")
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    parser.add_argument("--rate", type=int, help="requests per second")
    options = parser.parse_args()
    answer = recorded(options.data, options.models) if options.data else made_up
    chat_server(answer, port=options.port, latency=options.latency, rate=options.rate).serve_forever()


if __name__ == "__main__":
    main()
