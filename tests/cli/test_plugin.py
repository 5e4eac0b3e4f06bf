"""A second package adds a judge, a metric, a perturbation and a check without a fork: CONTRIBUTING's recipes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from alpacabench.cli.hydra_nodes import hydra_problems
from tests.helpers.fakes.http_server import HttpServer, Request, Response

ROOT = Path(__file__).resolve().parents[2]
RECIPES = re.findall(
    r"`((?:mine/[\w/.]+)|pyproject\.toml)`(?: beside `mine/`)?:\n\n```\w+\n(.*?)```",
    "".join((ROOT / page).read_text(encoding="utf-8") for page in ("CONTRIBUTING.md", "docs/tools.md")),
    re.DOTALL,
)
ANSWERS = ["short", "a rather long answer", "of middling kind", "x", "word " * 9, "two words"]
REFERENCE = "of middle length"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder that holds the recipes' package as `pip install` leaves it."""
    folder = tmp_path / "site"
    for path, text in RECIPES:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "mine" / "__init__.py").touch()
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points))
    return folder


def _run(site: Path, *words: str, code: int = 0, **environment: str) -> str:
    work = site.parent / "work"
    work.mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *words], cwd=work, capture_output=True, text=True, timeout=180,
        env=os.environ | {"PYTHONPATH": path} | environment, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return said


def _data(folder: Path) -> list[str]:
    rows = [{"instruction": f"Question {i}?", "output": REFERENCE} for i in range(len(ANSWERS))]
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    given = [row | {"output": answer, "generator": "me"} for row, answer in zip(rows, ANSWERS, strict=True)]
    (folder / "outputs.json").write_text(json.dumps(given))
    return [
        "dataset=jsonl", f"dataset.path={folder}/prompts.jsonl", "model=recorded", f"model.path={folder}/outputs.json",
        "tracking=none",
    ]  # fmt: skip


def test_an_installed_plug_in_adds_its_options_and_they_are_right(site: Path) -> None:
    assert len(RECIPES) == 11
    options = dict(re.findall(r"^(\w+): (.+)$", _run(site, "--help"), re.MULTILINE))
    for group, name in (("judge", "shortest"), ("metrics", "mean_words"), ("perturbation", "shouting")):
        assert name in options[group].split(", ")
    data = _data(site.parent)
    said = _run(site, "-m", *data, "judge=shortest", "judge.order=seeded,both", "metrics=[mean_words]",
                "objective=mean_words", "hydra.sweep.dir=sweep")  # fmt: skip
    won = [2.0 if len(a) < len(REFERENCE) else 1.5 if len(a) == len(REFERENCE) else 1.0 for a in ANSWERS]
    for job in ("0", "1"):
        folder = site.parent / "work" / "sweep" / job
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["win_rate"] == pytest.approx((sum(won) / len(won) - 1) * 100)
        assert metrics["mean_words"] == sum(len(a.split()) for a in ANSWERS) / len(ANSWERS)
        assert "words per answer" in (folder / "report.html").read_text(encoding="utf-8")
        assert {row["annotator"] for row in json.loads((folder / "annotations.json").read_text())} == {"Shortest"}
    assert "mean_words: 3.333 words per answer" in said
    _run(site, "perturbation=shouting", "model=echo", "judge=shortest", "subset=head", "subset.n=2", "tracking=none",
         "hydra.run.dir=shouted")  # fmt: skip
    assert (site.parent / "work" / "shouted" / "generations.jsonl").read_text().count(" !!!") >= 2


def test_a_plug_ins_check_works_like_ours(site: Path) -> None:
    data = _data(site.parent)
    answers = [f"Sorry, {row['output']}" if i < 2 else row["output"]
               for i, row in enumerate(json.loads((site.parent / "outputs.json").read_text()))]  # fmt: skip
    rows = json.loads((site.parent / "outputs.json").read_text())
    changed = [row | {"output": answer} for row, answer in zip(rows, answers, strict=True)]
    (site.parent / "polite.json").write_text(json.dumps(changed))
    paths = f"model.path={site.parent}/outputs.json,{site.parent}/polite.json"
    options = dict(re.findall(r"^(\w+): (.+)$", _run(site, "--help"), re.MULTILINE))
    assert "no_apology" in options["checks"].split(", ")
    _run(site, "-m", *data, paths, "judge=longest", "checks=[no_apology,format]", "objective=violation_rate/no_apology",
         "hydra.sweep.dir=checked")  # fmt: skip
    folder = site.parent / "work" / "checked"
    rates = [json.loads((folder / job / "metrics.json").read_text())["violation_rate/no_apology"] for job in "01"]
    assert rates == [0.0, pytest.approx(100 * 2 / len(ANSWERS))]
    lines = [json.loads(line) for line in (folder / "1" / "checks.jsonl").read_text().splitlines()]
    found = [line for line in lines if line["check"] == "no_apology" and line["findings"]]
    assert [line["findings"][0]["rule"] for line in found] == ["apology", "apology"]
    assert "delta_violation_rate_p/no_apology" in (folder / "sweep.csv").read_text()
    gate = [sys.executable, "-m", "alpacabench", "gate", "checked/1", "--base", "checked/0", "--margin", "99",
            "--max-violations", "no_apology=10"]  # fmt: skip
    done = subprocess.run(gate, cwd=site.parent / "work", capture_output=True, text=True, timeout=60,
                          env=os.environ | {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}"})  # fmt: skip
    assert done.returncode == 3 and "no_apology" in done.stdout, done.stdout + done.stderr


def test_a_package_is_trusted_by_name_and_nothing_else_is_imported(site: Path) -> None:
    for file in site.glob("*.dist-info/entry_points.txt"):
        file.unlink()
    (site / "mine" / "__init__.py").write_text("open('imported', 'w').close()")
    arguments = ["--config-dir", str(site / "mine" / "conf"), *_data(site.parent), "judge=shortest", "hydra.run.dir=r"]
    said = _run(site, *arguments, code=2)
    assert "judge._target_: given 'mine.judge.Shortest', which is not trusted and was not imported" in said
    assert "it must be a Judge" in said and "ALPACABENCH_TRUSTED=mine" in said
    assert not (site.parent / "work" / "imported").exists()
    assert "judged by Shortest" in _run(site, *arguments, ALPACABENCH_TRUSTED="other,mine")
    assert "given 'mine.judge.Shortest'" in _run(site, *arguments, "plan=true", code=2, ALPACABENCH_TRUSTED="min")


def test_ones_own_option_wins_over_a_plug_ins_and_is_told(site: Path) -> None:
    own = site.parent / "work" / "conf" / "judge"
    own.mkdir(parents=True)
    (own / "shortest.yaml").write_text((ROOT / "conf" / "judge" / "longest.yaml").read_text())
    said = _run(site, "judge=shortest", "--cfg", "job", "--package", "judge")
    assert "_target_: alpacabench.judge.longest.Longest" in said
    assert "work/conf/judge/shortest.yaml stands for" in said and "judge=shortest" in said


def test_what_hydra_itself_would_call_is_looked_at_first(site: Path) -> None:
    said = _run(site, "model=echo", "judge=longest", "+hydra.callbacks.x._target_=os.system", code=2)
    assert "hydra.callbacks.x._target_: given 'os.system', which is not trusted and was not imported" in said


@pytest.mark.parametrize(
    ("key", "value", "refused"),
    [
        ("launcher._target_", "subprocess.Popen", True), ("sweeper._target_", "hydra.utils.call", True),
        ("job_logging.handlers.file.class", "subprocess.Popen", True),
        ("job_logging.formatters.short.()", "os.system", True),
        ("hydra_logging.handlers.console.stream", "ext://os.environ", True),
        ("callbacks.x._target_", "${oc.env:HOME}", True),
        ("callbacks.x._target_", "alpacabench.cli.__main__.main", True),
        ("callbacks.x.inner", [{"_target_": "os.system"}], True),
        ("launcher._target_", "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher", False),
        ("launcher._target_", "hydra._internal.core_plugins.basic_launcher.BasicLauncher", False),
        ("job_logging.handlers.file.class", "logging.FileHandler", False),
        ("job_logging.formatters.colorlog.()", "colorlog.ColoredFormatter", False),
        ("callbacks.x._target_", "alpacabench.cli.sweep_callback.SweepCallback", False),
    ],
)  # fmt: skip
def test_what_hydra_may_call_is_its_own_ours_or_trusted(key: str, value: object, refused: bool) -> None:
    node: object = value
    for part in reversed(key.split(".")):
        node = {part: node}
    problems = list(hydra_problems(OmegaConf.create({"hydra": node})))
    assert [problem.where.startswith(f"hydra.{key}") for problem in problems] == ([True] if refused else [])


def test_a_plug_ins_tool_is_called_by_a_model(site: Path) -> None:
    expected = ["4", "19", "no such city"]
    rows = [{"instruction": f"[weather {city}]", "output": "-", "expected": {"answer": said}}
            for city, said in zip(("Oslo", "Rome", "Atlantis"), expected, strict=True)]  # fmt: skip
    (site.parent / "cities.jsonl").write_text("\n".join(map(json.dumps, rows)))

    def handle(request: Request) -> Response:
        *_, last = request.body["messages"]
        city = request.body["messages"][0]["content"].strip("[]").split()[1]
        call = {"id": "c", "function": {"name": "weather", "arguments": json.dumps({"city": city})}}
        answer = {"content": f"It says {last['content']}."} if last["role"] == "tool" else {"tool_calls": [call]}
        return Response({"choices": [{"message": answer}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})

    assert "weather" in dict(re.findall(r"^(\w+): (.+)$", _run(site, "--help"), re.MULTILINE))["tools"]
    with HttpServer(handle) as server:
        _run(site, "dataset=jsonl", f"dataset.path={site.parent}/cities.jsonl", "tools=[weather]", "judge=none",
             "tracking=none", "model=openai_compatible", "model.path=m", f"model.base_url={server.url}",
             "objective=task_success", "hydra.run.dir=called")  # fmt: skip
    folder = site.parent / "work" / "called"
    figures = json.loads((folder / "metrics.json").read_text())
    assert (figures["task_success"], figures["tool_calls"], figures["n_generated"]) == (100, 1, 6)
    lines = [json.loads(line) for line in (folder / "generations.jsonl").read_text().splitlines()]
    assert [line["steps"][0]["results"][0]["status"] for line in lines] == ["ok", "ok", "error"]
