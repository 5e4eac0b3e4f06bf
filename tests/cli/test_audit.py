"""The record of a run: one changed byte in any file of a run or a sweep is found, and only a key's owner signs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alpacabench.cli.main import main
from alpacabench.io.audit import AUDIT, KEY
from tests.helpers.command import run

OPTIONS = ("tracking=none", "model=echo", "judge=longest", "subset=head", "subset.n=4")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a run and a sweep of two jobs."""
    place = tmp_path_factory.mktemp("audit")
    rows = [{"instruction": f"Say {word}.", "output": word, "licence": "CC0-1.0", "dataset": "ours"} for word in "abcd"]
    (place / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = ("dataset=jsonl", "dataset.path=rows.jsonl")
    assert (done := run(place, *OPTIONS, *data, f"hydra.run.dir={place}/run")).code == 0, done.text
    done = run(place, "-m", *OPTIONS, "decoding.temperature=0,0.7", f"hydra.sweep.dir={place}/sweep")
    assert done.code == 0, done.text
    return place


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_the_record_says_who_what_when_with_which_data_judge_code_and_configuration(made: Path) -> None:
    record = json.loads((made / "run" / AUDIT).read_text())
    assert record["status"] == "finished"
    assert record["who"]["user"] and record["who"]["host"]
    assert record["when"]["started"] <= record["when"]["ended"]
    assert record["data"]["licences"] == {"CC0-1.0": 4}
    assert record["data"]["sources"] == {"ours": 4}
    assert all(len(part["sha256"]) == 64 for part in (record["judge"], record["configuration"]))
    assert record["code"]["alpacabench"]
    written = {str(path.relative_to(made / "run")) for path in (made / "run").rglob("*") if path.is_file()}
    assert set(record["files"]) == written - {AUDIT}, "every file of the run"


@pytest.mark.parametrize("what", ["run", "sweep"])
def test_one_changed_byte_in_any_file_is_found(what: str, copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copied / what
    assert main(["audit", "--verify", str(folder)]) == 0
    places = json.loads((folder / ".jobs" / "0.json").read_text()) if what == "sweep" else None
    files = [path for path in folder.rglob("*") if path.is_file() and ".jobs" not in path.parts]
    assert len(files) > 12 and (places is None or places == "0")
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        capsys.readouterr()
        # A changed byte of a record itself may leave no JSON.
        assert main(["audit", "--verify", str(folder)]) in ((2, 3) if path.name == AUDIT else (3,)), path
        said = capsys.readouterr()
        assert path.name in said.out + said.err or "seal" in said.out
        path.write_bytes(content)
    next(folder.rglob("metrics.json")).unlink()
    assert main(["audit", "--verify", str(folder)]) == 3
    assert "metrics.json: is missing" in capsys.readouterr().out


def test_a_figure_that_is_changed_in_the_record_is_found(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copied / "run" / AUDIT
    record = json.loads(path.read_text())
    record["metrics"]["win_rate"] = 99.0
    path.write_text(json.dumps(record))
    assert main(["audit", "--verify", str(copied / "run")]) == 3
    assert "its seal does not fit" in capsys.readouterr().out


def test_a_record_is_signed_off_and_verified_by_whoever_has_the_key(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY, "the owner's key")
    out = copied / "signed.json"
    assert main(["audit", str(copied / "run"), str(copied / "sweep"), "--by", "Ada", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["signed_off"]["by"] == "Ada"
    assert "the owner's key" not in out.read_text()
    assert main(["audit", "--verify", str(out)]) == 3, "the runs' own records were made without the key"
    assert "is not signed" in capsys.readouterr().out
    assert main(["audit", str(copied / "run"), "--out", str(out)]) == 0
    assert main(["audit", "--verify", str(out)]) == 0
    monkeypatch.setenv(KEY, "a second secret")
    assert main(["audit", "--verify", str(out)]) == 3
    assert "the record was signed with another key than" in " ".join(capsys.readouterr().out.split())
    monkeypatch.delenv(KEY)
    assert main(["audit", "--verify", str(out)]) == 4
    assert f"set {KEY}" in capsys.readouterr().out


def test_what_was_changed_is_not_signed_off(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / "run" / "metrics.json").write_text('{"win_rate": 99.0}\n')
    assert main(["audit", str(copied / "run")]) == 3
    said = capsys.readouterr()
    assert "metrics.json" in said.err and "not signed off" in said.err and not said.out


def test_a_failed_run_has_a_record_with_its_cause_and_no_key(tmp_path: Path) -> None:
    judge = ("judge=alpaca_eval", "judge.annotator=weighted_alpaca_eval_gpt4_turbo")
    keys = {"OPENAI_API_KEY": "sk-0123456789abcdefghijklm", KEY: "another secret text"}
    there = (f"hydra.run.dir={tmp_path}/run", "judge.base_url=http://127.0.0.1:9/v1")
    done = run(tmp_path, *OPTIONS, *judge, *there, env=keys)
    assert done.code == 1, done.text
    text = (tmp_path / "run" / AUDIT).read_text()
    record = json.loads(text)
    assert record["status"] == "failed" and "connection failed" in record["failure"]
    assert "run.log" in record["files"]
    assert not any(secret in text for secret in keys.values())
    assert main(["audit", "--verify", str(tmp_path / "run")]) == 4, "the log's last lines are in the record, too"


def test_a_directory_without_a_record_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path)]) == 2
    assert f"holds no {AUDIT}" in capsys.readouterr().err
    (tmp_path / AUDIT).write_text('{"files": {"../x": {}}, "seal": "x"}')
    assert main(["audit", "--verify", str(tmp_path)]) == 2


def test_rows_of_ones_own_can_be_pinned_by_their_digest(made: Path, tmp_path: Path) -> None:
    known = json.loads((made / "run" / AUDIT).read_text())["data"]["digest"]
    data = ("dataset=jsonl", f"dataset.path={made}/rows.jsonl")
    done = run(tmp_path, *OPTIONS, *data, f"dataset.content_digest={known}")
    assert done.code == 0, done.text
    changed = known[:-1] + ("0" if known[-1] != "0" else "1")
    done = run(tmp_path, *OPTIONS, *data, f"dataset.content_digest={changed}")
    assert done.code == 2 and "does not hold the pinned rows" in done.text and known in done.text
