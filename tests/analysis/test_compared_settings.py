"""What two runs were chosen to differ in: named in the headline, as a table, and in their names."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from alpacabench.analysis.compare.comparison import compare
from alpacabench.analysis.compare.page import page_of
from alpacabench.analysis.compare.reasons import reasons
from alpacabench.analysis.finished_run import Item, read_run
from alpacabench.analysis.run_settings import differing, settings_of, words
from alpacabench.report.compare_report import write_compare_report
from tests.helpers.finished_runs import write_run


def run_with(folder: Path, temperature: float, option: str, sweep: bool = False, **perturbation: object) -> Path:
    write_run(folder, [1.0, 2.0, 1.0, 2.0] * 5)
    config = yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())
    config |= {"seed": 3, "decoding": {"temperature": temperature, "seed": "${seed}"}, "name": folder.name}
    config["perturbation"] = {"_target_": f"p.{option}", "strength": 0.0} | perturbation
    (folder / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config))
    choices = {"runtime": {"choices": {"perturbation": option, "decoding": "sampling", "hydra/launcher": "basic"}}}
    (folder / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump({"hydra": choices}))
    if sweep:
        (folder / "job.json").write_text(json.dumps({"params": {"decoding.temperature": str(temperature)}}))
    return folder


def test_two_runs_of_one_model_are_named_by_what_differs_and_the_page_lists_it(tmp_path: Path) -> None:
    base = run_with(tmp_path / "a", 0.0, "none")
    other = run_with(tmp_path / "b", 0.7, "typos", strength=0.2, only_typos=1)
    pair = compare(read_run(str(base)), read_run(str(other)))
    assert pair.differences == {
        "perturbation": ("none", "typos"),
        "decoding.temperature": ("0.0", "0.7"),
        "perturbation.strength": ("0.0", "0.2"),
    }
    assert pair.base.name == "model (perturbation=none, temperature=0.0, strength=0.0)"
    assert pair.as_json()["differences"]["decoding.temperature"] == ["0.0", "0.7"]
    html = write_compare_report(tmp_path / "c.html", page_of(pair)).read_text(encoding="utf-8")
    assert "What differs: perturbation none → typos; decoding.temperature 0.0 → 0.7" in html
    assert "What was chosen otherwise" in html and "only_typos" not in html


def test_jobs_of_a_sweep_are_named_as_in_the_sweep(tmp_path: Path) -> None:
    runs = [read_run(str(run_with(tmp_path / str(t), t, "none", sweep=True))) for t in (0.0, 0.7)]
    pair = compare(*runs)
    assert (pair.base.name, pair.run.name) == ("model (temperature=0.0)", "model (temperature=0.7)")


def test_runs_that_tell_nothing_keep_their_places_in_their_names(tmp_path: Path) -> None:
    a, b = (write_run(tmp_path / name, [1.0, 2.0]) for name in "ab")
    pair = compare(read_run(str(a)), read_run(str(b)))
    assert pair.differences == {} and pair.base.name == f"model ({a})"


def test_a_value_that_names_another_key_is_that_keys_and_places_are_no_difference() -> None:
    one = settings_of({"seed": 1, "d": {"seed": "${seed}", "on": True}, "store": {"url": "x"}}, {"d": "greedy"})
    assert one == {"option of d": "greedy", "seed": "1", "d.seed": "1", "d.on": "true"}
    tracked = settings_of({"seed": 1, "d": {"seed": 1, "on": True}}, {})
    assert differing(one, tracked) == {}
    many = {f"k.{n}": (str(n), "x") for n in range(6)}
    assert words(many, 0) == "0=0, 1=1, 2=2, 3 more"


def test_a_refusal_and_another_language_come_before_length() -> None:
    plain = Item(0, "p", 2.0, "The answer is that you have to mix the eggs with the flour and the milk for this. " * 5)
    refused = Item(0, "p", 1.0, "I'm sorry, but I can't help with that.")
    german = Item(0, "p", 1.0, "Das ist nicht so schwer, die Eier und das Mehl mit der Milch, und das ist es. " * 12)
    assert [reason.partition(":")[0] for reason in reasons(plain, refused)][:2] == ["refusal", "length"]
    assert [reason.partition(":")[0] for reason in reasons(plain, german)][:2] == ["language", "length"]
