"""The real `python run.py`, one job: its files, its second call, its mistakes, its secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import ROOT, metrics, run, succeed

FAST = ("model=echo", "judge=longest", "tracking=none", "subset=stratified", "subset.n=12")


def test_a_run_writes_its_files_and_a_second_call_asks_nothing(tmp_path: Path) -> None:
    first = succeed(tmp_path, *FAST)
    assert (first["n_generated"], first["n_judged"], first["n_total"], first["n_failed"]) == (12, 12, 12, 0)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    expected = {"model_outputs.json", "annotations.json", "metrics.json", "leaderboard.csv", "report.html", "run.log"}
    assert expected | {".hydra", "verdicts.jsonl"} <= names
    held = {name: (tmp_path / "run" / name).read_bytes() for name in ("model_outputs.json", "annotations.json")}
    second = succeed(tmp_path, *FAST)
    assert (second["n_generated"], second["n_judged"]) == (0, 0)
    assert (second["n_generated_cached"], second["n_judged_cached"]) == (12, 12)
    assert second["win_rate"] == first["win_rate"]
    assert held == {name: (tmp_path / "run" / name).read_bytes() for name in held}


def test_annotations_average_the_verdicts_and_verdicts_are_kept_one_by_one(tmp_path: Path) -> None:
    found = succeed(tmp_path, *FAST, "judge.order=both", "judge.repeats=2")
    rows = json.loads((tmp_path / "run" / "annotations.json").read_text())
    verdicts = [json.loads(line) for line in (tmp_path / "run" / "verdicts.jsonl").read_text().splitlines()]
    assert (len(rows), len(verdicts), found["n_judged"]) == (12, 48, 48)
    assert found["order_consistency"] == 1
    for row in rows:
        own = [v["preference"] for v in verdicts if v["item_id"] == row["index"]]
        assert len(own) == 4
        assert row["preference"] == sum(own) / 4


def test_a_plan_leaves_nothing_behind_and_never_touches_a_run_that_is_there(tmp_path: Path) -> None:
    assert run(tmp_path, *FAST, "plan=true").code == 0
    assert not (tmp_path / "outputs" / "runs").exists()
    succeed(tmp_path, *FAST)
    held = {path.name for path in (tmp_path / "run").iterdir()}
    assert run(tmp_path, *FAST, "plan=true", f"hydra.run.dir={tmp_path}/run").code == 0
    assert held == {path.name for path in (tmp_path / "run").iterdir()}


def test_five_more_prompts_make_five_more_requests(tmp_path: Path) -> None:
    succeed(tmp_path, "model=echo", "judge=longest", "tracking=none", "subset=head", "subset.n=7")
    more = succeed(tmp_path, "model=echo", "judge=longest", "tracking=none", "subset=head", "subset.n=12")
    assert (more["n_generated"], more["n_judged"]) == (5, 5)


def _files(directory: Path) -> None:
    good = [{"instruction": f"Question {i}?", "output": f"Answer {i}."} for i in range(4)]
    directory.joinpath("good.json").write_text(json.dumps(good))
    directory.joinpath("broken.json").write_text(json.dumps(good)[:-9])
    directory.joinpath("nameless.jsonl").write_text('{"instruction": "a", "output": "b"}\n{"output": "c"}\n')
    directory.joinpath("twice.json").write_text(json.dumps([*good, good[1]]))
    directory.joinpath("foreign.json").write_text(json.dumps([{"instruction": "Other?", "output": "x"}]))
    directory.joinpath("partial.json").write_text(json.dumps(good[:2]))
    directory.joinpath("bare.json").write_text(json.dumps([{"instruction": "Only a question?"}]))


GOOD = ("dataset=jsonl", "dataset.path=good.json")
MISTAKES = {
    "unknown option": (["judge=longst"], ["judge", "longst", "did you mean 'longest'"]),
    "null as an option": (["variant=null"], ["variant: given null", "leave it out", "typos_low"]),
    "misspelt key": (["judge.oder=both"], ["judge.oder", "did you mean 'order'"]),
    "misspelt group": (["judg=longest"], ["judg", "did you mean 'judge'"]),
    "truth for a number": (["subset=head", "subset.n=true"], ["subset.n", "True", "do not belong"]),
    "wrong type": (["subset=head", "subset.n=many"], ["subset.n", "'many'", "integer"]),
    "out of range": (["decoding.top_p=3"], ["decoding.top_p", "3"]),
    "missing file": (["dataset=jsonl", "dataset.path=none.json"], ["dataset.path", "none.json", "no such file"]),
    "broken JSON": (["dataset=jsonl", "dataset.path=broken.json"], ["broken.json", "line 1", "broken JSON"]),
    "row without instruction": (["dataset=jsonl", "dataset.path=nameless.jsonl"], ["nameless.jsonl, row 2"]),
    "duplicate instruction": (["dataset=jsonl", "dataset.path=twice.json"], ["twice.json, row 5", "row 2"]),
    "no reference": (["dataset=jsonl", "dataset.path=bare.json"], ["row 1", "reference", "model.allow_missing"]),
    "subset too large": ([*GOOD, "subset=head", "subset.n=5"], ["subset.n", "given 5", "4 prompts"]),
    "no such model": (["model=hf", "model.path=/no/such/model"], ["model.path", "/no/such/model"]),
    "missing key": (["judge=weighted_alpaca_eval_gpt4_turbo", "judge.model_name=gpt-4.1"], ["OPENAI_API_KEY"]),
    "other prompts": ([*GOOD, "model=recorded", "model.path=foreign.json"], ["foreign.json", "Other?"]),
    "answers missing": ([*GOOD, "model=recorded", "model.path=partial.json"], ["partial.json", "allow_missing"]),
    "other rows": (["dataset=alpaca_eval", "dataset.path=good.json"], ["good.json", "pinned rows"]),
    "unused key": (["model.dtype=float16"], ["model.dtype", "does not use it"]),
    "literal password": (["store.url=postgresql://u:pa55word@h/db"], ["store.url", "oc.env"]),
    "unknown objective": (["objective=winrate"], ["objective", "did you mean 'win_rate'"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_message_that_says_what_and_what_to_do(tmp_path: Path, name: str) -> None:
    overrides, words = MISTAKES[name]
    _files(tmp_path)
    defaults = [
        o for o in ("model=echo", "judge=longest", "tracking=none") if o.split("=")[0] not in _groups(overrides)
    ]
    outcome = run(tmp_path, *defaults, *overrides)
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    missing = [word for word in words if word not in outcome.text]
    assert not missing, (missing, outcome.text)
    assert "pa55word" not in outcome.text
    written = [p for p in tmp_path.rglob("*") if p.is_file() and "pa55word" in p.read_text(errors="replace")]
    assert not written


def _groups(overrides: list[str]) -> set[str]:
    return {override.split("=")[0] for override in overrides}


def test_a_key_in_the_environment_is_written_nowhere(tmp_path: Path) -> None:
    secret = "sk-very-secret-0123456789"
    env = {"OPENAI_API_KEY": secret, "HF_TOKEN": secret + "-hf"}
    overrides = [o for o in FAST if o != "tracking=none"]
    outcome = run(tmp_path, *overrides, "model.system_prompt=${oc.env:OPENAI_API_KEY}", env=env)
    assert outcome.code == 0, outcome.text
    assert secret not in outcome.text
    found = [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert not [path for path in found if path.name != "store.db" and not path.name.startswith("store.db-")], found


def test_a_key_that_the_shell_wrote_into_the_command_is_refused_and_written_nowhere(tmp_path: Path) -> None:
    secret = "sk-very-secret-0123456789"
    outcome = run(tmp_path, *FAST, f"model.system_prompt={secret}", env={"OPENAI_API_KEY": secret})
    assert outcome.code == 2
    assert "model.system_prompt: holds the value of OPENAI_API_KEY" in outcome.text
    assert secret not in outcome.text
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]


def test_a_judge_that_reads_the_perturbed_text_is_warned_about_with_the_slots(tmp_path: Path) -> None:
    overrides = ("perturbation=casing", "perturbation.strength=1.0", "judge.instruction=perturbed")
    outcome = run(tmp_path, *FAST, *overrides)
    assert outcome.code == 0, outcome.text
    assert "the judge reads the perturbed instruction" in outcome.text
    assert "alpaca_eval would move" in outcome.text


@pytest.mark.parametrize("arguments", [["--help"], [*FAST, "plan=true"], ["plan=true"]])
def test_help_and_plan_import_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "run.py"), *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    heavy = {"torch", "transformers", "mlflow", "alpaca_eval", "pandas", "datasets", "sklearn", "openai", "accelerate"}
    assert not heavy & imported


def test_help_that_nobody_reads_to_the_end_ends_quietly(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "--help"],
        cwd=tmp_path,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (process.returncode, process.stderr) == (141, "")


def test_a_perturbed_run_is_judged_against_the_original_instruction(tmp_path: Path) -> None:
    plain = succeed(tmp_path, *FAST)
    rows = json.loads((tmp_path / "run" / "annotations.json").read_text())
    changed = succeed(tmp_path, *FAST, "perturbation=typos", "perturbation.strength=0.2")
    changed_rows = json.loads((tmp_path / "run" / "annotations.json").read_text())
    assert [r["instruction"] for r in rows] == [r["instruction"] for r in changed_rows]
    assert [r["output_2"] for r in rows] != [r["output_2"] for r in changed_rows]
    slots = [json.loads(line)["slot"] for line in (tmp_path / "run" / "verdicts.jsonl").read_text().splitlines()]
    assert plain["n_total"] == changed["n_total"] == len(slots)
    assert metrics(tmp_path / "run") == changed
