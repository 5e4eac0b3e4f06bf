"""An explorer as it really is, made up: answers that attack the page, flips, flags, as many rows as asked."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from pathlib import Path
from typing import Any

from alpacabench.analysis.explorer.content import Answered, Explorer, Flag, Row
from tests.helpers.report_data import ANSWER, ATTACKS, CATEGORIES, SOURCES, TASKS

MAIL = "[privacy: email]"


def explorer(n: int, settings: int = 2) -> Explorer:
    """Return n prompts; of the settings the second repeats some answers of the first with a word changed."""
    rng = random.Random(0)
    rows = [_row(index, settings, rng) for index in range(n)]
    names = [f"temperature {number / 10:g}" for number in range(settings)]
    return Explorer("Sweep: temperature", names, "gpt-4-1106-preview", "gpt-4.1", rows, 0, ["privacy"])


def _row(index: int, settings: int, rng: random.Random) -> Row:
    attack = ATTACKS[index] if index < len(ATTACKS) else ""
    first = "".join(rng.choices(ANSWER, k=rng.randint(3, 30)))
    texts = [first, *(_other(first, rng) for _ in range(settings - 1))]
    answers = tuple(_answer(f"{text} {attack}".strip(), index, rng) for text in texts)
    task = attack or f"{rng.choice(TASKS)} ({index})"
    return Row(index, task, "".join(rng.choices(ANSWER, k=6)), rng.choice(SOURCES), rng.choice(CATEGORIES), answers)


def _other(first: str, rng: random.Random) -> str:
    return first.replace("second", "2nd") if rng.random() < 0.5 else "".join(rng.choices(ANSWER, k=rng.randint(3, 30)))


def _answer(text: str, index: int, rng: random.Random) -> Answered:
    if index % 97 == 13:
        return Answered(None, (), None, "error", "endpoint: 503 after 5 tries")
    score = rng.choice((0.0, 100.0, 50.0, round(rng.random() * 100, 2)))
    flags: tuple[Flag, ...] = ()
    if index % 20 == 7:
        text = f"Write to {MAIL}. {text}"
        flags = (Flag("privacy", "email", "an e-mail address", 0, 9, 9 + len(MAIL)),)
    finish = "length" if index % 31 == 3 else "stop"
    return Answered(score, (text,), len(text), finish, "", ((True, score), (False, score)), flags)


def rows_of(path: Path) -> list[Any]:
    """Return what a page holds: its head, then a row for each prompt."""
    packed = re.search(r'id="rows">([^<]*)</script>', path.read_text(encoding="utf-8"))
    assert packed
    lines = gzip.decompress(base64.b64decode(packed[1])).decode().splitlines()
    return [json.loads(line) for line in lines]
