"""A wheel in a new environment and an empty directory: everything a clone can do that needs no development tools."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from alpacabench.inference.weights.bundled import bundled_dir
from tests.helpers.command import ROOT

HIDDEN = ("torch", "transformers", "accelerate", "deepspeed", "anthropic", "gguf", "bitsandbytes")
"""What the core must do without: import finders refuse them in the environment that has only the core."""
CORE_ONLY = f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HIDDEN!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
import importlib.util
found = importlib.util.find_spec
def visible(name, package=None):
    return None if name.partition(".")[0] in {HIDDEN!r} else found(name, package)
importlib.util.find_spec = visible
sys.meta_path.insert(0, Hidden())
"""
ROWS = [{"instruction": "Why?", "output": "So."}, {"instruction": "Who?", "output": "Nobody at all."}]
DATA = ["dataset=jsonl", "dataset.path=prompts.jsonl", "model=recorded", "model.path=outputs.json"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of this tree, built from a copy: a build leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("alpacabench", "conf"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(source),
    ]
    subprocess.run(build, check=True, timeout=200, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def _environment(folder: Path, wheel: Path, hidden: str) -> Path:
    """Return the scripts of a new environment with the wheel; other packages are this one's, some hidden."""
    venv.create(folder, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, timeout=200, capture_output=True)
    (site / "zz_base.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Editable installations hook into imports; this environment's must not lead back to the clone.
    (site / "sitecustomize.py").write_text(hidden)
    return folder / "bin"


def _run(python: Path, directory: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | settings
    command = [str(python / "python"), "-P", *words]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _environment(tmp_path_factory.mktemp("core"), wheel, CORE_ONLY)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Return a directory with two prompts and a model's answers, far from the clone."""
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    (tmp_path / "outputs.json").write_text(json.dumps([row | {"output": "Well.", "generator": "mine"} for row in ROWS]))
    return tmp_path


@pytest.mark.slow
def test_the_wheel_holds_every_option_template_and_page(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in (ROOT / "conf").rglob("*.yaml")]
    assert {f"alpacabench/{path.relative_to(ROOT)}" for path in files} <= inside
    data = [path for path in (ROOT / "alpacabench").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert {str(path.relative_to(ROOT)) for path in data} <= inside
    assert not [name for name in inside if name.startswith(("tests", "conf", "setup"))]


@pytest.mark.slow
def test_the_core_alone_judges_plans_exports_and_evaluates_for_a_training(core: Path, empty: Path) -> None:
    where = _run(core, empty, "-c", "import alpacabench; print(alpacabench.__file__)").stdout
    assert str(core.parent) in where, "the wheel's, not the clone's"
    done = _run(core, empty, "-m", "alpacabench", "run", *DATA, "judge=longest", "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    assert json.loads((empty / "out" / "metrics.json").read_text())["win_rate"] == 50.0
    assert (empty / "outputs" / "mlflow.db").is_file()
    planned = _run(
        core, empty, "-m", "alpacabench", "run", *DATA, "judge=gpt_4_1_mini", "plan=true", OPENAI_API_KEY="sk-x"
    )
    assert planned.returncode == 0, planned.stderr
    assert re.search(r"gpt_4_1_mini.* 0\.000[1-9] ", planned.stdout), "dollars, by the wheel's own prices"
    exported = _run(core, empty, "-m", "alpacabench", "export-judge", "judge=gpt_4_1", "--to", "annotators")
    assert exported.returncode == 0 and (empty / "annotators" / "gpt_4_1" / "configs.yaml").is_file(), exported.stderr
    given = [*DATA[:-1], "judge=longest", "tracking=none"]
    code = (
        "from alpacabench.training import evaluate_checkpoint\n"
        f"print(evaluate_checkpoint('outputs.json', {given}, directory='t')['win_rate'])"
    )
    trained = _run(core, empty, "-c", code)
    assert trained.stdout.strip() == "50.0", trained.stderr
    assert _run(core, empty, "-m", "alpacabench", "--version").stdout.split() == ["alpacabench", version("alpacabench")]


@pytest.mark.slow
def test_what_the_core_lacks_is_named_with_the_line_that_installs_it(core: Path, empty: Path) -> None:
    words = ("judge=claude", "model=qwen", "sharding=zero3", "sharding.num_processes=2")
    done = _run(core, empty, "-m", "alpacabench", "run", *words, ANTHROPIC_API_KEY="sk-x")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    for extra in ("local", "deepspeed", "anthropic"):
        assert f"pip install 'alpacabench[{extra}]'" in done.stderr
    assert not (empty / "outputs" / "store.db").exists()


@pytest.mark.slow
def test_the_demo_runs_with_the_local_extra(wheel: Path, empty: Path) -> None:
    if find_spec("torch") is None or not bundled_dir().is_dir():
        pytest.skip("not installed: pip install 'alpacabench[local]', and the default model's weights")
    python = _environment(empty / "local", wheel, "")
    smaller = ("subset.n=2", "decoding.max_new_tokens=8")
    done = _run(python, empty, "-m", "alpacabench", "run", "experiment=demo", *smaller)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((empty / "outputs" / "sweeps").glob("*/sweep.html")) and "alpacabench ui" in done.stdout
