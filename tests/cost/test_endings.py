"""When a model's provider ends it: a warning from 60 days before, a refusal after it, at the provider's own host."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from alpacabench.cost import price
from alpacabench.cost.price import ending, price_of, retired
from tests.helpers.command import run as command

OPENAI, ANTHROPIC = "https://api.openai.com/v1", "https://api.anthropic.com"
ELSEWHERE = "http://127.0.0.1:9/v1"
ENDS = (
    ("gpt-5", OPENAI, date(2026, 12, 11)), ("gpt-5-mini-2025-08-07", OPENAI, date(2026, 12, 11)),
    ("o3", OPENAI, date(2026, 12, 11)), ("gpt-4o-2024-08-06", OPENAI, date(2027, 1, 14)),
    ("gpt-4.1-2025-04-14", OPENAI, date(2027, 1, 14)), ("gpt-5.1", OPENAI, date(2027, 4, 1)),
    ("gpt-5.4-nano", OPENAI, date(2027, 4, 1)), ("claude-sonnet-4-5-20250929", ANTHROPIC, date(2026, 11, 30)),
)  # fmt: skip


def on(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    monkeypatch.setattr(price, "date", type("Day", (date,), {"today": classmethod(lambda cls: day)}))


@pytest.mark.parametrize(("model", "url", "end"), ENDS, ids=[model for model, *_ in ENDS])
def test_a_model_is_warned_of_for_60_days_and_then_refused_at_its_own_host_only(
    model: str, url: str, end: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    for days in (61, 60, 1, 0, -1):
        on(monkeypatch, end - timedelta(days=days))
        seen[days] = len(ending("k", model, url)), len([*retired("judge.k", model, url)])
        assert not ending("k", model, ELSEWHERE) and not [*retired("k", model, ELSEWHERE)]
    assert seen == {61: (0, 0), 60: (1, 0), 1: (1, 0), 0: (0, 1), -1: (0, 1)}


def test_a_model_with_a_successors_name_does_not_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, date(2027, 12, 1))
    for model in ("gpt-5.4", "gpt-5.5", "gpt-5.4-mini", "gpt-6-luna", "o3-new"):
        assert not [*retired("k", model, OPENAI)]


def test_prices_that_were_wrong_or_missing() -> None:
    found = {name: price_of(name) for name in ("gpt-5.6-sol", "gpt-5.4-2026-03-05", "gpt-5.5", "gemini-3.5-flash")}
    assert {name: (p.input, p.output) for name, p in found.items() if p} == {
        "gpt-5.6-sol": (4.0, 20.0), "gpt-5.4-2026-03-05": (2.5, 15.0), "gpt-5.5": (5.0, 30.0),
        "gemini-3.5-flash": (1.5, 9.0),
    }  # fmt: skip


def test_plan_and_report_warn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = date.today() + timedelta(days=30)
    (tmp_path / "conf" / "prices").mkdir(parents=True)
    (tmp_path / "conf" / "prices" / "own.yaml").write_text(
        f"hosts: [api.openai.com]\nmodels: {{gpt-x: {{input: 1, output: 1}}}}\n"
        f"retired: {{gpt-x: {{since: {soon}, instead: another}}}}\n"
    )
    (tmp_path / "data.jsonl").write_text('{"instruction": "a", "output": "a"}\n')
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    # The model's answer equals the reference: nobody is asked.
    words = ("dataset=jsonl", "dataset.path=data.jsonl", "model=recorded", "model.path=data.jsonl", "judge=gpt_4_1",
             "judge.model_name=gpt-x", "tracking=none")  # fmt: skip
    told = f"judge.model_name: api.openai.com shuts 'gpt-x' down on {soon}, in 30 days; substitutes: another"
    assert told in command(tmp_path, *words, "plan=true").text
    assert told in command(tmp_path, *words, "hydra.run.dir=here").text
    assert "shuts &#39;gpt-x&#39; down" in (tmp_path / "here" / "report.html").read_text()
