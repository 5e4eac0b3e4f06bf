"""Dialogues end to end: what models and judges are sent, what is counted, what is asked again after a crash."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import DataError
from alpacabench.dataset import RowFile
from tests.helpers.command import ROOT, run, succeed
from tests.helpers.fakes.http_server import Response, error
from tests.helpers.fakes.openai_server import Choice, chat_server, made_up

ROWS: list[dict[str, Any]] = [
    {"turns": ["Name a river in France.", "And one in Spain?"], "outputs": ["The Seine.", "The Ebro."]},
    {"turns": ["Hello!", "Why?"], "outputs": ["Hi.", "Because."]},
    {"turns": ["Hello!", "Why not?", "Really?"], "outputs": ["Hi.", "Who knows.", "Yes."]},
    {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "I am Ann."},
                  {"role": "assistant", "content": "Hello Ann!"}, {"role": "user", "content": "What is my name?"}],
     "output": "Ann."},
    {"instruction": "Name a fruit.", "output": "An apple."},
]  # fmt: skip
STEPS = 9


def data(folder: Path, rows: list[dict[str, Any]] = ROWS, name: str = "data.jsonl") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"dataset.path={path}"


def said(body: dict[str, Any]) -> Choice:
    """Answer with what was asked and how often the model has spoken."""
    spoken = sum(m["role"] == "assistant" for m in body["messages"])
    text = f"[{spoken + 1}] {body['messages'][-1]['content'].lower()}"
    return {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}


def api(url: str) -> tuple[str, ...]:
    return (
        "model=openai_compatible", f"model.base_url={url}", "model.path=talker", "judge=gpt_4_1",
        f"judge.base_url={url}", "dataset=jsonl", "tracking=none",
    )  # fmt: skip


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"messages": [{"role": "user", "content": "a"}], "turns": ["a"]}, "row 1: both 'messages' and 'turns'"),
        ({"messages": [{"role": "bot", "content": "a"}]}, "'messages', message 1: the role is 'bot'.*system, user"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "ends with the role"),
        ({"messages": [{"role": "user", "content": " "}]}, "'messages', message 1: the content is ''"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]}, "may only stand first"),
        ({"messages": "hello"}, "'messages' is 'hello'.*a list is needed"),
        ({"messages": ["hello"]}, "'messages', message 1, is 'hello'"),
        ({"turns": ["a", ""]}, "'turns', turn 2, is ''"),
        ({"turns": ["a", 3]}, "'turns', turn 2, is '3'"),
        ({"turns": ["a", "b"], "outputs": ["x"]}, "'outputs' has 1 answers, but the dialogue has 2 turns"),
        ({"turns": ["a", "b"], "output": "x"}, "one 'output', but the dialogue has 2 turns"),
        ({"turns": ["a", "b"], "outputs": ["x", 1]}, "'outputs', turn 2, is 1"),
        ({"turns": ["a", "b"], "instruction": "c", "outputs": ["x", "y"]}, "'instruction' is none of the user's turns"),
    ],
)
def test_a_row_that_is_no_dialogue_is_refused_by_row_and_key(tmp_path: Path, row: dict[str, Any], told: str) -> None:
    data(tmp_path, [row])
    with pytest.raises(DataError, match=f"(?s){told}"):
        RowFile(path=str(tmp_path / "data.jsonl")).load()


def test_every_file_form_holds_dialogues(tmp_path: Path) -> None:
    data(tmp_path)
    wanted = RowFile(path=str(tmp_path / "data.jsonl")).load()
    (tmp_path / "data.json").write_text(json.dumps(ROWS))
    with (tmp_path / "data.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["instruction", "messages", "turns", "output", "outputs"])
        writer.writeheader()
        for row in ROWS:
            writer.writerow({k: v if isinstance(v, str) else json.dumps(v) for k, v in row.items()})
    for name in ("data.json", "data.csv"):
        assert RowFile(path=str(tmp_path / name)).load() == wanted
    assert wanted[1].turns[0] == wanted[2].turns[0], "two dialogues may begin alike"


def test_killed_between_the_turns_and_resumed_nothing_is_asked_twice(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = []
    slow = True

    def answer(body: dict[str, Any]) -> Choice | Response:
        bodies.append(body)
        if body["model"] != "talker":
            return made_up(body)
        if slow and any(m["role"] == "assistant" and m["content"].startswith("[") for m in body["messages"]):
            return Response(None, delay=60)
        return said(body)

    with chat_server(answer) as server:
        command = (*api(server.url), data(tmp_path))
        env = os.environ | {"OPENAI_API_KEY": "none", "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen([sys.executable, str(ROOT / "run.py"), *command], cwd=tmp_path, env=env)
        deadline = time.monotonic() + 60
        while not any("[1]" in json.dumps(body) for body in bodies) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(3)  # what the judge has already is to be stored: nothing of it is in flight
        process.send_signal(signal.SIGKILL)
        process.wait()
        slow, before = False, len([b for b in bodies if b["model"] == "talker" and "[1]" not in json.dumps(b)])
        assert before == 4, "prompts that begin alike are one question"
        plan = run(tmp_path, *command, "plan=true", env={"OPENAI_API_KEY": "none"})
        found = succeed(tmp_path, *command, env={"OPENAI_API_KEY": "none"})
        assert (found["n_generated"], found["n_generated_cached"]) == (STEPS - 1 - before, before)
        asked = {who: list(map(int, n)) for who, *n in re.findall(r"│ (\w+) +│ [^│]+│ +(\d+) │ +(\d+) │", plan.stdout)}
        stored = 2  # of the prompts that end with their first answer
        assert asked == {"answers": [STEPS - 1 - before, before], "verdicts": [found["n_judged"], stored]}, plan.text
        firsts = [b for b in bodies if b["model"] == "talker" and "[1]" not in json.dumps(b)]
        assert len(firsts) == before, "an answer that was stored was asked for again"
        judged = [b for b in bodies if b["model"] != "talker"]
        assert set(Counter(json.dumps(b["messages"]) for b in judged).values()) == {1}
        verdicts = lines(tmp_path / "run" / "verdicts.jsonl")
        assert found["n_judged"] + stored == len({v["key"] for v in verdicts}) and len(verdicts) == STEPS
        _count(found, verdicts)
        _whole([" ".join(m["content"] for m in b["messages"]) for b in judged])
        _read_back(tmp_path, found)


def _count(found: dict[str, float], verdicts: list[dict[str, Any]]) -> None:
    for turn in (1, 2, 3):
        ys = [v["y"] for v in verdicts if v.get("turn") == turn]
        assert found[f"win_rate/turn_{turn}"] == pytest.approx(100 * sum(ys) / len(ys))
    prompts = [[v["y"] for v in verdicts if v["item_id"] == index] for index in range(len(ROWS))]
    means = [sum(ys) / len(ys) for ys in prompts]
    assert found["n_total"] == len(ROWS) and found["win_rate"] == pytest.approx(100 * sum(means) / len(means))


def _whole(texts: list[str]) -> None:
    """Both conversations stand whole in the prompt of a last turn, one behind the other."""
    ours = (
        "User: Hello!\n\nAssistant: Hi.\n\nUser: Why not?\n\nAssistant: Who knows.\n\nUser: Really?\n\nAssistant: Yes."
    )
    model = (
        "User: Hello!\n\nAssistant: [1] hello!\n\nUser: Why not?\n\nAssistant: [2] why not?\n\n"
        "User: Really?\n\nAssistant: [3] really?"
    )
    assert sum(ours in text and model in text for text in texts) == 1
    history = "User: I am Ann.\n\nAssistant: Hello Ann!\n\nUser: What is my name?\n\nAssistant: "
    assert sum(history + "Ann." in text and history + "[2] what is my name?" in text for text in texts) == 1


def _read_back(folder: Path, found: dict[str, float]) -> None:
    """What a run wrote is read as recorded answers and as recorded verdicts."""
    files = folder / "run"
    recorded = (
        "model=recorded", f"model.path={files / 'model_outputs.json'}", "judge=recorded",
        f"judge.path={files / 'annotations.json'}", "dataset=jsonl", f"dataset.path={folder / 'data.jsonl'}",
    )  # fmt: skip
    outcome = run(folder, *recorded, "tracking=none", f"hydra.run.dir={folder}/back")
    assert outcome.code == 0, outcome.text
    back = json.loads((folder / "back" / "metrics.json").read_text())
    for name in ("win_rate", "win_rate/turn_1", "win_rate/turn_2", "win_rate/turn_3", "avg_length", "n_total"):
        assert back[name] == pytest.approx(found[name]), name


def test_a_turn_that_fails_ends_its_dialogue_and_only_the_last_turn_is_perturbed(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> Choice:
        bodies.append(body)
        text = body["messages"][-1]["content"]
        return error(400, "no") if "Why not" in text else said(body)  # type: ignore[return-value]

    with chat_server(answer) as server:
        some = (
            *api(server.url)[:3],
            "judge=longest",
            "dataset=jsonl",
            "tracking=none",
            data(tmp_path),
            "max_failures=0.5",
        )
        found = succeed(tmp_path, *some, "perturbation=casing", env={"OPENAI_API_KEY": "none"})
    assert (found["n_total"], found["n_failed"]) == (len(ROWS) - 1, 1)
    rows = lines(tmp_path / "run" / "generations.jsonl")
    assert rows[2]["failure"].startswith("turn 2: ") and len(rows[2]["steps"]) == 1 and rows[2]["output"] is None
    assert not any("eally?" in body["messages"][-1]["content"] for body in bodies), "a turn was asked after the failure"
    users = [[m["content"] for m in body["messages"] if m["role"] == "user"] for body in bodies]
    assert ["Name a river in France."] in users and ["Name a river in France.", "And one in Spain?"] not in users
    assert any(first == "Name a river in France." and rest for first, *rest in users)


def test_a_sweep_asks_what_its_dialogues_share_once_under_both_schedules(tmp_path: Path) -> None:
    found = {}
    for schedule in ("together", "one_by_one"):
        folder = tmp_path / schedule
        folder.mkdir()
        command = ("-m", "model=echo", "judge=longest", "dataset=jsonl", data(tmp_path), "tracking=none",
                   f"schedule={schedule}", "perturbation=none,casing", "hydra.sweep.dir=out")  # fmt: skip
        outcome = run(folder, *command)
        assert outcome.code == 0, outcome.text
        jobs = [json.loads((folder / "out" / n / "metrics.json").read_text()) for n in ("0", "1")]
        found[schedule] = [{k: v for k, v in job.items() if "second" not in k and "memory" not in k} for job in jobs]
    assert found["together"] == found["one_by_one"]
    first, second = found["together"]
    assert (first["n_generated"], second["n_generated_cached"] > 0) == (STEPS - 1, True)
