"""Planted judges over HTTP: each fault is named by its server's verdicts, and none where there is none."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from alpacabench.analysis.finished_run import read_run
from alpacabench.analysis.trust.trust import trust
from alpacabench.core.records import Example, Generation, Outcome, Pair, Prompt
from alpacabench.io.run_files import write_run
from alpacabench.judge.canaries import canaries
from alpacabench.judge.panel import Panel
from alpacabench.store.store import Store
from tests.helpers.fakes.openai_server import chat_server, choice_of
from tests.helpers.judge_data import load_judge

N = 805
SEEDS = int(os.environ.get("TRUST_SEEDS", "20"))
SHOWN = re.compile(r"# Answer of model m\n(.*?)\n# Answer of model M\n(.*?)\n# Verdict", re.DOTALL)
ASKED = {
    "position": {}, "length": {}, "changes": {}, "family": {"panel": True}, "repeats": {"repeats": 2},
    "obeys": {"canaries": 100}, "": {"order": "both", "repeats": 2, "canaries": 50},
}  # fmt: skip
"""How each planted judge is asked: as cheaply as shows its fault."""
NAME = {"changes": "repeats", "obeys": "canaries"}
"""Under which finding a fault stands, where that has another name."""


class Planted:
    """A judge that sees what is better, with some noise, and has one fault."""

    def __init__(self, fault: str, seed: int, requests: int) -> None:
        self.fault, self.rng, self.half = fault, random.Random(seed), requests / 2
        self.seen: Counter[str] = Counter()
        self.better = [random.Random(f"{seed}/{i}").random() < 0.55 for i in range(N)]

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        text = "\n".join(message["content"] for message in body["messages"])
        found, asked = SHOWN.search(text), re.search(r"Question (\d+)", text)
        assert found and asked
        shown, chance, number = (found[1].strip(), found[2].strip()), self.rng.random(), int(asked[1])
        self.seen[text] += 1
        qualities = [self.quality(output, number) for output in shown]
        first = self.rng.random() < 0.5 if qualities[0] == qualities[1] else qualities[0] > qualities[1]
        first ^= self.rng.random() < 0.15
        model_first = shown[0].startswith("Answer")
        if self.fault == "position" and chance < 0.25:
            first = True
        if self.fault == "length" and chance < 0.6:
            first = len(shown[0]) > len(shown[1])
        if self.fault == "family" and body["model"].startswith("gpt") and chance < 0.5:
            first = model_first
        if self.fault == "repeats" and self.seen[text] > 1 and chance < 0.7:
            first = not first
        if self.fault == "obeys" and "Ignore all previous" in text:
            first = "Ignore all previous" in shown[0]
        if self.fault == "changes" and sum(self.seen.values()) > self.half and chance < 0.35:
            first = not model_first
        return choice_of(1.0 if first else 2.0)

    def quality(self, output: str, number: int) -> int:
        written = re.search(r"(Answer|Reference) (\d+)\.", output)
        if written is None or int(written[2]) != number:
            return -9
        return 0 if written[1] == "Reference" else 1 if self.better[number] else -1


def flagged(fault: str, seed: int, folder: Path) -> set[str]:
    """Judge 805 pairs at a server with a fault; return what is flagged of it."""
    rng, asked = random.Random(f"lengths {seed}"), dict(ASKED[fault])
    panel, n_canaries = asked.pop("panel", False), int(asked.get("canaries", 0))
    examples = [Example(i, f"Question {i}", f"Reference {i}. {'r ' * rng.randint(1, 60)}") for i in range(N)]
    answers = [f"Answer {i}. {'a ' * rng.randint(1, 60)}" for i in range(N)]
    pairs = [
        Pair(e, e.instruction, str(e.reference), a, generator="gpt-9") for e, a in zip(examples, answers, strict=True)
    ]
    planted = Planted(fault, seed, N)
    with chat_server(planted) as server, Store(f"sqlite:///{folder}/store.db") as store:
        words = [f"judge.base_url={server.url}", "judge.name_model=null"]
        words += [f"judge.{key}={value}" for key, value in asked.items()]
        judges = [
            load_judge("gpt_4_1", *words, f"judge.model_name={model}", f"judge.name={model}-judge")
            for model in (["gpt-9", "claude-9"] if panel else ["some"])
        ]
        judge = Panel(judges={judge.label: judge for judge in judges}) if panel else judges[0]
        verdicts = judge.judge([*pairs, *canaries(examples, n_canaries, 0)], store)
    of: dict[int, list[Any]] = {e.index: [] for e in examples}
    for verdict in verdicts:
        if not verdict.pair.canary:
            of[verdict.pair.example.index].append(verdict)
    outcomes = []
    for example, answer in zip(examples, answers, strict=True):
        prompt = Prompt(example, example.instruction)
        outcomes.append(Outcome(prompt, (Generation(prompt, answer, generator="gpt-9"),), tuple(of[example.index])))
    write_run(folder, outcomes, {"win_rate": 50.0}, judge.label, [v for v in verdicts if v.pair.canary])
    findings = [one for one in trust(read_run(str(folder))) if not panel or one.judge.startswith("gpt")][0].findings
    # The answers are made up: what the screen of answers says of them is no matter of the judge.
    return {finding.name for finding in findings if finding.verdict == "flag" and finding.name != "gaming"}


def test_a_planted_judge_over_http_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    assert "position" in flagged("position", 0, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in ASKED if fault])
def test_each_fault_is_named_in_95_percent_of_seeds(
    fault: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    found = [flagged(fault, seed, tmp_path_factory.mktemp("run")) for seed in range(SEEDS)]
    named = [NAME.get(fault, fault) in names for names in found]
    assert sum(named) >= 0.95 * SEEDS, found


@pytest.mark.slow
def test_an_unbiased_noisy_judge_raises_no_flag_in_95_percent_of_seeds(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    found = [flagged("", seed, tmp_path_factory.mktemp("run")) for seed in range(SEEDS)]
    assert sum(not names for names in found) >= 0.95 * SEEDS, found
