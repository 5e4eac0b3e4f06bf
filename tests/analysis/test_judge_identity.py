"""A judge is what it was asked: the content travels with the run, and runs of two contents are not compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.command import run
from tests.helpers.fakes.openai_server import chat_server, made_up
from tests.helpers.finished_runs import alpacabench, write_run

SMALL = ("model=echo", "dataset=demo", "subset=head", "subset.n=6", "tracking=none", "judge=gpt_4_1")
TEXT = "{}\nQ: {{instruction}}\n1: {{output_1}}\n2: {{output_2}}\nm or M?\n"


def test_a_template_edited_in_place_is_another_judge_and_a_moved_one_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    template, moved = tmp_path / "mine.txt", tmp_path / "elsewhere" / "mine.txt"
    moved.parent.mkdir()
    with chat_server(made_up) as server:

        def judged(name: str, path: Path) -> Path:
            where = (f"judge.base_url={server.url}", f"judge.template={path}", f"hydra.run.dir={tmp_path / name}")
            done = run(tmp_path, *SMALL, *where)
            assert done.code == 0, done.text
            return tmp_path / name

        template.write_text(TEXT.format("Prefer the correct answer."))
        shutil.copy(template, moved)
        first, elsewhere = judged("first", template), judged("elsewhere/run", moved)
        template.write_text(TEXT.format("Prefer the shorter answer."))
        edited = judged("edited", template)
        again = run(
            tmp_path, f"--config-path={first}/.hydra", "--config-name=config", f"hydra.run.dir={tmp_path}/again"
        )
    assert "Prefer the correct answer." in (first / "judge.json").read_text(encoding="utf-8")
    refused = alpacabench("compare", first, edited)
    assert refused.returncode == 2, refused.stdout
    said = " ".join(refused.stderr.split())
    assert f"{first} has 'Prefer the correct answer.'" in said and f"{edited} has 'Prefer the shorter answer.'" in said
    assert alpacabench("compare", first, elsewhere).returncode == 0
    assert again.code == 0 and f"this judge is not that of {first}" in " ".join(again.text.split()), again.text


@pytest.mark.parametrize(
    ("one", "other", "named"),
    [
        ({"identity": {"weights": {"a": 1}}}, {"identity": {"weights": {"a": 2}}}, "identity.weights.a"),
        (
            {"identity": {"model": "x"}, "prompt": []},
            {"identity": {"model": "x"}, "prompt": [{"role": "user"}]},
            "prompt",
        ),
        ({"identity": {"source": "a"}}, {"identity": {}}, "identity.source"),
    ],
)
def test_compare_names_what_differs_in_two_judges(tmp_path: Path, one: dict, other: dict, named: str) -> None:
    folders = [write_run(tmp_path / name, [1.0, 2.0] * 4) for name in ("a", "b")]
    assert alpacabench("compare", *folders).returncode == 0
    for folder, content in zip(folders, (one, other), strict=True):
        (folder / "judge.json").write_text(json.dumps(content))
    refused = alpacabench("compare", *folders)
    assert refused.returncode == 2 and f"judge ({named})" in refused.stderr


def test_a_judge_file_that_is_no_object_is_refused_by_name(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / name, [1.0, 2.0] * 4) for name in ("a", "b")]
    (folders[0] / "judge.json").write_text("[1]")
    refused = alpacabench("compare", *folders)
    assert refused.returncode == 2 and "judge.json holds a list" in refused.stderr
