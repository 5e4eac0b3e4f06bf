"""What README, docs, CONTRIBUTING and the YAML headers say is true: commands, options, keys, metrics and links."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from alpacabench.cli import main as cli
from alpacabench.cli.hydra_options import composing
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.cost import price
from alpacabench.cost.usage import Usage
from alpacabench.run import experiment as config
from alpacabench.scoring.foreseen import every_unit
from tests.helpers.docs_data import (
    PAGES,
    ROOT,
    YAMLS,
    Command,
    commands,
    expand,
    stand_in,
    stand_in_model,
    table,
    tool_lines,
)

COMMANDS = {" ".join(command.words): command for path in (*YAMLS, *PAGES) for command in commands(path)}
"""By what is typed: a command that stands in several places counts for the last one, a page."""
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NOT_CHOSEN = ("contract", "prices", "hydra")
"""Folders of conf/ that are no groups of ours to choose from."""
RECIPE_FILE = re.compile(r"`((?:conf|alpacabench)/[\w/.]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
RECIPE_NAMES = ("smollm2_360m", "support_desk", "greeting", "shortest", "mean_words", "shouting", "no_apology",
                "weather")  # fmt: skip
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY")


class Today(date):
    """The day on which the documented models were all in service."""

    @classmethod
    def today(cls) -> Today:
        return cls(2026, 11, 21)


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return conf/ with the recipes of CONTRIBUTING, in a directory where the placeholders of commands are files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(price, "date", Today)
    monkeypatch.setenv("ALPACABENCH_CACHE", str(tmp_path / "cache"))
    for name in KEYS:
        monkeypatch.setenv(name, "sk-documented")
    stand_in_model(tmp_path / "cache" / "models" / "SmolLM2-135M-Instruct")
    return ROOT / "conf"


def _parse(overrides: list[str]) -> list[Override]:
    return list(OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(overrides))


def _job(command: Command) -> list[str]:
    """Return the overrides of the job that takes the last value of each swept key; every swept option must exist."""
    overrides = [stand_in(override) for override in command.overrides]
    if any(override.startswith("experiment=") for override in overrides):
        fixed = [one.input_line for one in _parse(overrides) if not one.is_sweep_override()]
        params = compose("config", fixed, return_hydra_config=True).hydra.sweeper.params
        overrides = [f"{key}={value}" for key, value in (params or {}).items()] + overrides
    job = []
    for one in _parse(overrides):
        if one.is_interval_sweep():
            job.append(f"{one.key_or_group}={one.value().start}")
            continue
        values = [str(value) for value in one.sweep_string_iterator()] if one.is_sweep_override() else []
        if (ROOT / "conf" / one.key_or_group).is_dir():
            missing = [name for name in values if not (ROOT / "conf" / one.key_or_group / f"{name}.yaml").exists()]
            assert not missing, (one.key_or_group, missing)
        job.append(f"{one.key_or_group}={values[-1]}" if values else one.input_line)
    return job


def _mistakes(cfg: DictConfig) -> list[Problem]:
    """Return what is wrong with a configuration; an extra that is not installed here is no fault of the page."""
    try:
        config.load(cfg, {str(key): str(value) for key, value in cfg.hydra.runtime.choices.items()})
    except ConfigError as error:
        return [problem for problem in error.problems if "not installed" not in problem.what]
    return []


def _cases() -> Iterator[object]:
    for line, command in COMMANDS.items():
        # Options of a folder of one's own: tests/analysis/test_ablation_sweep.py runs such commands.
        if not any(name in line for name in (*RECIPE_NAMES, "--config-dir")):
            marks = [] if command.page.endswith(".md") else [pytest.mark.slow]
            yield pytest.param(command, id=str(command), marks=marks)


PLUGINS = {"hydra/launcher=slurm": "hydra_submitit_launcher", "hydra/sweeper=search": "hydra_optuna_sweeper"}
"""Presets of Hydra plugins that are extras."""


@pytest.mark.parametrize("command", list(_cases()))
def test_every_documented_command_composes_and_is_valid(command: Command, conf: Path) -> None:
    for preset, plugin in PLUGINS.items():
        if preset in command.overrides and find_spec(f"hydra_plugins.{plugin}") is None:
            pytest.skip(f"not installed: {plugin}")
    with composing():
        cfg = compose("config", _job(command), return_hydra_config=True)
        for name in (cfg.model.path, cfg.judge.model_name):
            if name and ("/" in name or name == "DIRECTORY") and not Path(name).exists():
                stand_in_model(Path(name))
        assert not _mistakes(cfg)


def test_every_documented_tool_takes_the_arguments_shown() -> None:
    lines = [words for path in PAGES if path.name != "CHANGELOG.md" for words in tool_lines(path)]
    assert {words[0] for words in lines} == set(cli.COMMANDS)
    for words in (words for words in lines if len(words) > 1):
        assert cli._parser(words[0]).parse_args(words).command == words[0]


@pytest.mark.slow
def test_the_recipes_of_contributing_work_as_they_stand(tmp_path: Path) -> None:
    for part in ("alpacabench", "conf", "run.py"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    recipes = RECIPE_FILE.findall(CONTRIBUTING)
    for path, text in recipes:
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert len(recipes) == 5
    echo = ["model=echo", "tracking=none", "subset=head", "subset.n=3"]
    _run(tmp_path, "-m", "perturbation=none,greeting", "perturbation.strength=1.0", "judge=longest", *echo)
    _run(tmp_path, "judge=support_desk", *echo, "plan=true")
    assert "SmolLM2-360M" in _run(tmp_path, "model=smollm2_360m", "--cfg", "job", "--package", "model")
    perturbed = next((tmp_path / "outputs" / "sweeps").glob("*/1/generations.jsonl")).read_text()
    assert perturbed.count("Good morning. ") >= 3


def _run(directory: Path, *words: str) -> str:
    command = [sys.executable, "run.py", *words]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_of_options_names_every_group_and_option_and_no_other() -> None:
    shown = table((ROOT / "docs" / "options.md").read_text(encoding="utf-8"))
    folders = [path for path in (ROOT / "conf").iterdir() if path.is_dir() and path.name not in NOT_CHOSEN]
    existing = {path.name: {file.stem for file in path.glob("*.yaml")} for path in folders}
    assert {group: set(names) for group, names in shown.items() if group in existing} == existing


def test_every_contract_key_is_explained_under_its_group() -> None:
    for path in (ROOT / "conf" / "contract").glob("*.yaml"):
        section = re.search(rf"### {path.stem}\b(.*?)(?=\n### |\Z)", CONFIGURATION, re.DOTALL)
        assert section, path.stem
        missing = [key for key in yaml.safe_load(path.read_text()) if f"| `{key}` |" not in section[1]]
        assert not missing, (path.stem, missing)


def test_every_key_outside_the_groups_is_explained() -> None:
    top = yaml.safe_load((ROOT / "conf" / "config.yaml").read_text())
    nested = {f"{key}.{name}" for key in ("report", "store", "budget", "early_stopping") for name in top[key]}
    flat = set(top) - {"defaults", "hydra", "report", "store", "budget", "early_stopping", "variant"}
    missing = [key for key in sorted(flat | nested) if f"| `{key}` |" not in CONFIGURATION]
    assert not missing


def test_every_metric_of_a_run_is_explained() -> None:
    page = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
    explained = {
        name: unit.strip()
        for cell, unit in re.findall(r"^\| (`.+?) \|(.*?)\|", page, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", cell)
    }
    stated = {name: unit for name, unit in every_unit().items() if not name.endswith("_noreg")}
    assert {name: explained.get(name) for name in stated} == stated
    assert {field.name for field in fields(Usage)} <= set(stated)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_relative_link_resolves(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name) if name else path
        assert found.exists(), (path.name, target)
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings], target


def test_the_pages_stay_short_and_their_commands_are_found() -> None:
    assert len(README.splitlines()) <= 250
    assert len(CONTRIBUTING.splitlines()) <= 300
    # A changelog is read from its top, and only grows.
    short = [path for path in PAGES if path.name not in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 170 for path in short)
    assert len(COMMANDS) > 80
    assert expand("a_{b,c}_d") == ["a_b_d", "a_c_d"]
