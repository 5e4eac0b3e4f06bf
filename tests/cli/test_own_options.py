"""Options of one's own: `./conf` of the working directory and `--config-dir`, before ours, and told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from alpacabench.core.conf import conf, own_conf
from alpacabench.cost.price import price_of
from tests.helpers.command import ROOT

JUDGE = "defaults: [longest, _self_]\nseed: 7\n"
JOB = ("model=echo", "tracking=none", "subset=head", "subset.n=2")


def _run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alpacabench", "run", *words]
    settings = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=directory, env=settings, capture_output=True, text=True, timeout=100)


def _option(folder: Path, name: str, text: str = JUDGE) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_options_of_the_working_directory_and_of_config_dir_are_found_and_listed(tmp_path: Path) -> None:
    _option(tmp_path / "conf", "judge/here.yaml")
    _option(tmp_path / "elsewhere", "judge/there.yaml")
    # Another program's: alpacabench's own decides what a run is made of.
    _option(tmp_path / "conf", "config.yaml", "defaults: [nothing_of_ours]\n")
    for name, extra in (("here", ()), ("there", ("--config-dir", "elsewhere"))):
        done = _run(tmp_path, *JOB, f"judge={name}", "hydra.run.dir=out", *extra)
        assert done.returncode == 0, done.stderr
        assert "seed: 7" in (tmp_path / "out" / ".hydra" / "config.yaml").read_text(encoding="utf-8")
    listed = _run(tmp_path, "--help", "--config-dir", "elsewhere").stdout
    assert "here" in listed and "there" in listed and "alpacabench run plan=true" in listed
    refused = _run(tmp_path, *JOB, "judge=herr")
    assert refused.returncode == 2 and "did you mean 'here'?" in refused.stderr


def test_an_option_of_ones_own_hides_ours_and_says_so_also_in_the_jobs_of_a_sweep(tmp_path: Path) -> None:
    _option(
        tmp_path / "conf", "subset/head.yaml", (conf() / "subset" / "head.yaml").read_text().replace("n: ", "n: 3 # ")
    )
    done = _run(
        tmp_path, "-m", "model=echo", "judge=longest", "tracking=none", "subset=head", "seed=0,1", "hydra.sweep.dir=out"
    )
    assert done.returncode == 0, done.stderr
    assert "conf/subset/head.yaml stands for alpacabench's own subset=head" in done.stderr
    assert len(json.loads((tmp_path / "out" / "1" / "annotations.json").read_text())) == 3


def test_in_a_clone_conf_is_ours_and_prices_may_be_ones_own(tmp_path: Path) -> None:
    assert (conf() / "config.yaml").is_file()
    before = Path.cwd()
    try:
        os.chdir(ROOT)
        assert own_conf() is None
        os.chdir(tmp_path)
        assert own_conf() is None and price_of("house-model") is None
        _option(tmp_path / "conf", "prices/house.yaml", "models: {house-model: {input: 1.0, output: 2.0}}\n")
        found = price_of("house-model")
        assert found is not None and (found.input, found.output) == (1.0, 2.0)
        assert price_of("gpt-4.1-mini") is not None
    finally:
        os.chdir(before)
