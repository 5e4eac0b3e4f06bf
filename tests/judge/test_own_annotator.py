"""`judge.annotator=FILE`: an annotators_config of one's own gives what `alpaca_eval evaluate` gives with it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alpacabench.judge.template import annotators_directory
from alpacabench.store.store import Store
from tests.helpers.fakes.openai_server import chat_server
from tests.helpers.judge_data import load_judge, made_up_pairs

CONFIG = """alpaca_eval_gpt4:
  prompt_template: "/nowhere/on/this/machine/alpaca_eval.txt"
  fn_completions: "openai_completions"
  completions_kwargs:
    model_name: "gpt-4.1-mini"
    max_tokens: 100
    temperature: 0
  fn_completion_parser: "ranking_parser"
  batch_size: 1
"""


def config(folder: Path, text: str = CONFIG) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(annotators_directory() / "alpaca_eval_gpt4" / "alpaca_eval.txt", folder / "alpaca_eval.txt")
    path = folder / "alpaca_eval_gpt-4.1-mini.yaml"
    path.write_text(text)
    return path


def ranking(body: dict[str, Any]) -> dict[str, Any]:
    """Rank by a digest of the prompt; now and then say what is no ranking."""
    draw = hashlib.sha256(json.dumps(body["messages"], sort_keys=True).encode()).digest()[0]
    order = ("model_1", "model_2") if draw % 2 else ("model_2", "model_1")
    ranks = [{"model": name, "rank": rank} for rank, name in enumerate(order, 1)]
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": str(ranks)}}


def evaluate(folder: Path, path: Path, url: str, pairs: list[Any]) -> dict[str, float]:
    """Run alpaca_eval's own command; return its preferences by instruction."""
    for name, text in (("outputs", "output"), ("references", "reference")):
        rows = [{"instruction": p.instruction, "output": getattr(p, text), "generator": name} for p in pairs]
        (folder / f"{name}.json").write_text(json.dumps(rows))
    words = [
        "evaluate", "--model_outputs", "outputs.json", "--reference_outputs", "references.json",
        "--annotators_config", str(path), "--output_path", str(folder / "out"), "--fn_metric", "get_winrate",
        "--sort_by", "win_rate", "--precomputed_leaderboard", "None", "--caching_path", "None",
    ]  # fmt: skip
    env = os.environ | {"OPENAI_API_KEYS": "none", "OPENAI_API_KEY": "none", "OPENAI_API_BASE": url}
    run = [sys.executable, "-c", "from alpaca_eval.main import main; main()", *words]
    done = subprocess.run(run, cwd=folder, env=env, capture_output=True, text=True, timeout=200, check=False)
    found = [*(folder / "out").rglob("annotations.json")]
    assert found, done.stderr[-3000:]
    return {row["instruction"]: row["preference"] for row in json.loads(found[0].read_text())}


def test_a_config_in_halos_form_gives_what_alpaca_eval_gives_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = made_up_pairs(12)
    ours_at, theirs_at = config(tmp_path / "ours"), tmp_path / "theirs"
    # alpaca_eval itself has no way to find the template: for it the path is mended.
    mended = config(theirs_at, CONFIG.replace("/nowhere/on/this/machine", str(theirs_at)))
    with chat_server(ranking) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("alpaca_eval", f"judge.annotator={ours_at}", f"judge.base_url={server.url}")
        assert list(judge.problems()) == []
        ours = {v.pair.instruction: v.preference for v in judge.judge(pairs, store)}
        count = len(server.requests)
        theirs = evaluate(theirs_at, mended, server.url, pairs)
        prompts = [
            sorted(json.dumps(r.body["messages"], sort_keys=True) for r in part)
            for part in _halves(server.requests, count)
        ]
    assert ours == theirs and len(set(ours.values())) == 2
    assert prompts[0] == prompts[1]
    assert "beside it is used" in caplog.text
    assert judge.label.startswith("alpaca_eval_gpt-4.1-mini") and judge.model_name == "gpt-4.1-mini"


def _halves(requests: list[Any], count: int) -> tuple[list[Any], list[Any]]:
    return requests[:count], requests[count:]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- no mapping", "no annotators_config"),
        ("hello", "no annotators_config"),
        ("a: null", "no annotators_config"),
        (
            CONFIG.replace("prompt_template:", "prompt_template: [a.txt, b.txt] #"),
            "prompt_template is ['a.txt', 'b.txt']",
        ),
        (CONFIG.replace("prompt_template:", "flavour:"), "'prompt_template'"),
        (CONFIG.replace("fn_completions:", "fn_completions: [openai_completions] #"), "fn_completions is ["),
        (CONFIG.replace("fn_completion_parser:", "fn_completion_parser: null #"), "fn_completion_parser is None"),
        (CONFIG.replace("model_name:", "model_name: 4 #"), "completions_kwargs.model_name is 4"),
        (CONFIG.replace("max_tokens:", "max_tokens: many #"), "completions_kwargs.max_tokens is 'many'"),
        (CONFIG.replace("temperature:", "temperature: hot #"), "completions_kwargs.temperature is 'hot'"),
        ("a: {prompt_template: alpaca_eval.txt}", "no annotators_config"),
        (CONFIG.replace("batch_size: 1", "batch_size: 5"), "5 pairs in one prompt"),
        (CONFIG + CONFIG.replace("alpaca_eval_gpt4:", "b:"), "a pool of 2 annotators (alpaca_eval_gpt4, b)"),
        (CONFIG.replace("ranking_parser", "my_parser"), "my_parser"),
        (CONFIG.replace("alpaca_eval.txt", "other.txt"), "no such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = config(tmp_path, text)
    (problem,) = load_judge("alpaca_eval", f"judge.annotator={path}", "judge.base_url=http://127.0.0.1:9/v1").problems()
    assert told in str(problem)


def test_a_missing_file_is_told() -> None:
    (problem,) = load_judge("alpaca_eval", "judge.annotator=gone/my.yaml").problems()
    assert "no such file" in str(problem)
