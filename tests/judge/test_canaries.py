"""Pairs with a known answer: what they are, that they are planned and asked once, and that no score knows them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from alpacabench.core.records import Example
from alpacabench.judge.canaries import KINDS, ORDER, canaries
from tests.helpers.command import metrics, run, succeed
from tests.helpers.fakes.openai_server import chat_server, made_up

EXAMPLES = [Example(i, f"Question {i}?", f"Answer number {i}.") for i in range(9)]


def test_canaries_are_of_all_kinds_and_the_same_for_every_order_of_the_prompts() -> None:
    made = canaries(EXAMPLES, 12, 0)
    assert made == canaries(EXAMPLES[::-1], 12, 0) != canaries(EXAMPLES, 12, 1)
    assert [pair.canary for pair in made] == [*KINDS, *KINDS, "equal", "empty"]
    by_kind = {pair.canary: pair for pair in made[:5]}
    assert by_kind["equal"].output == by_kind["equal"].reference and by_kind["empty"].output == ""
    other = by_kind["other"].output
    assert other in {e.reference for e in EXAMPLES} - {by_kind["other"].reference}
    assert by_kind["injected"].output == other + ORDER
    assert by_kind["filler"].reference in by_kind["filler"].output
    assert len(canaries(EXAMPLES, 100, 0)) == 45
    lonely = canaries([EXAMPLES[0], Example(1, "No reference", None), Example(2, "Empty", " ")], 9, 0)
    assert [pair.canary for pair in lonely] == ["equal", "empty", "filler"]


def test_a_run_judges_them_once_plans_them_and_scores_without_them(tmp_path: Path) -> None:
    rows = [{"instruction": f"Question {i}?", "output": f"Reference {i}.", "generator": "r"} for i in range(8)]
    answers = [{"instruction": f"Question {i}?", "output": f"Answer {i}.", "generator": "m"} for i in range(8)]
    (tmp_path / "data.json").write_text(json.dumps(rows))
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    with chat_server(made_up) as server:
        words = (
            "dataset=jsonl", "dataset.path=data.json", "model=recorded", "model.path=answers.json", "judge=gpt_4_1",
            f"judge.base_url={server.url}", "judge.canaries=12", "tracking=none",
        )  # fmt: skip
        planned = run(tmp_path, *words, "plan=true")
        assert planned.code == 0 and not server.requests, planned.text
        assert re.search(r"verdicts\s+│?.*\b21\b", planned.stdout), planned.stdout
        with_canaries = succeed(tmp_path, *words)
        assert len(server.requests) == 8 + 12 + 1
        again = run(tmp_path, *words, "hydra.run.dir=again")
        assert again.code == 0 and len(server.requests) == 21, "asked once"
        plain = run(tmp_path, *words, "judge.canaries=0", "hydra.run.dir=plain")
        assert plain.code == 0 and len(server.requests) == 21
    lines = [json.loads(line) for line in (tmp_path / "run" / "canaries.jsonl").read_text().splitlines()]
    assert sorted(line["canary"] for line in lines) == sorted([*KINDS, *KINDS, "equal", "empty"])
    assert len((tmp_path / "run" / "verdicts.jsonl").read_text().splitlines()) == 8
    without = metrics(tmp_path / "plain")
    scores = {name for name in without if name.startswith(("win_rate", "lc_", "n_t", "n_w", "position"))}
    assert scores and all(with_canaries[name] == without[name] for name in scores)
    found = json.loads((tmp_path / "run" / "judge_trust.json").read_text())["findings"]
    assert {f["name"]: f for f in found}["canaries"]["evidence"].startswith("fewer than 10 verdicts on plain pairs")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "of two equal answers the first wins" in page and "Trust in gpt_4_1" in page


def test_recorded_verdicts_hold_none_and_few_prompts_are_told(tmp_path: Path) -> None:
    words = ("judge.canaries=5", "tracking=none", "dataset=demo", "subset=head", "subset.n=2", "model=echo")
    done = run(tmp_path, *words, "judge=recorded", "judge.path=none.json")
    assert done.code == 2 and "judge.canaries: given 5" in done.text
    done = run(tmp_path, *words, "judge=longest", "judge.canaries=50", "hydra.run.dir=run")
    assert done.code == 0 and "judge.canaries=50, but these prompts give 10" in done.text, done.text
    assert len((tmp_path / "run" / "canaries.jsonl").read_text().splitlines()) == 10
