"""The published leaderboard is reproduced against a server that replays recorded log probabilities."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpacabench.store.store import Store
from tests.helpers.fakes.openai_server import chat_server, recorded
from tests.helpers.judge_data import load_judge, published, real_pairs, win_rate

FAST = ["FuseChat-Llama-3.2-1B-Instruct", "NullModel", "phi-2"]
MODEL = "gpt-3.5-turbo-1106"
OTHERS = [
    "FuseChat-Llama-3.1-8B-Instruct", "FuseChat-Llama-3.2-3B-Instruct", "alpaca-7b", "claude-2.1", "gpt-3.5-turbo-1106",
    "gpt-3.5-turbo-1106_concise", "gpt-3.5-turbo-1106_verbose", "vicuna-13b-v1.5", "vicuna-13b-v1.5-togetherai",
    "vicuna-7b-v1.5",
]  # fmt: skip


@pytest.mark.parametrize("model", [*FAST, *(pytest.param(m, marks=pytest.mark.slow) for m in OTHERS)])
def test_win_rate_and_standard_error_equal_the_published_row(alpaca_data: Path, tmp_path: Path, model: str) -> None:
    pairs = real_pairs(alpaca_data, model)
    with chat_server(recorded(alpaca_data, [model])) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("weighted_alpaca_eval_gpt4_turbo", f"judge.base_url={server.url}")
        verdicts = judge.judge(pairs, store)
    row = published(model)
    rate, error = win_rate(verdicts)
    assert len(verdicts) == (803 if model == "phi-2" else 805)
    assert all(v.preference is not None for v in verdicts)
    assert rate == pytest.approx(float(row["win_rate"]), abs=1e-6)
    assert error == pytest.approx(float(row["standard_error"]), abs=1e-6)


def test_recorded_annotations_give_the_published_row_without_a_server(alpaca_data: Path, tmp_path: Path) -> None:
    path = alpaca_data / f"{MODEL}.annotations.json.gz"
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        verdicts = load_judge("recorded", f"judge.path={path}").judge(real_pairs(alpaca_data, MODEL), store)
    row = published(MODEL)
    assert win_rate(verdicts) == pytest.approx((float(row["win_rate"]), float(row["standard_error"])), abs=1e-6)
