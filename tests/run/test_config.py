"""Every option of every group composes with every contract key, and mistakes are named before anything starts."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose
from omegaconf import DictConfig, ListConfig

from alpacabench.cli.hydra_options import composing
from alpacabench.core.errors import ConfigError
from alpacabench.run import experiment as config

CONF = Path(__file__).resolve().parents[2] / "conf"

CONTRACT: dict[str, dict[str, Any]] = {
    "dataset": {"path": "prompts.jsonl", "reference": "reference.json"},
    "subset": {"n": 3, "seed": 1, "strata": ["source"]},
    "perturbation": {"strength": 0.5, "seed": 3},
    "model": {
        "path": "some/model", "name": "label", "revision": "main", "dtype": "bfloat16",
        "base_url": "http://127.0.0.1:1/v1", "system_prompt": "Be brief.", "template": "chatml", "allow_missing": True,
    },
    "decoding": {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 7, "seed": 5, "n": 1},
    "sharding": {"num_processes": 1, "batch_size": 4},
    "judge": {
        "model_name": "some-judge", "base_url": "http://127.0.0.1:1/v1", "template": "t.txt", "order": "both",
        "concurrency": 3, "seed": 1, "instruction": "perturbed", "annotator": "chatgpt_fn", "repeats": 2,
        "mode": "batch", "path": "annotations.json",
    },
    "scoring": {"bootstrap": 500, "lc_data": "df_gamed.csv"},
    "tracking": {"experiment": "e", "uri": "sqlite:///x.db", "traces": 0},
}  # fmt: skip

CONTRACT_FILES = {path.stem: set(yaml.safe_load(path.read_text())) for path in (CONF / "contract").glob("*.yaml")}

OPTIONS = [(group, path.stem) for group in CONTRACT for path in sorted((CONF / group).glob("*.yaml"))]


@pytest.fixture(scope="module", autouse=True)
def hydra_config() -> Iterator[None]:
    with composing():
        yield


def _load(cfg: DictConfig, choices: dict[str, str]) -> ConfigError | None:
    """Return the mistakes of a configuration; any other exception fails the test."""
    try:
        config.load(cfg, choices)
    except ConfigError as error:
        return error
    return None


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_takes_every_contract_key_or_refuses_it_by_name(group: str, option: str) -> None:
    cfg = compose("config", [f"{group}={option}"])
    assert CONTRACT_FILES.get(group, set()) <= set(cfg[group])
    before = {problem.where for problem in getattr(_load(cfg, {group: option}), "problems", [])}
    for key, value in CONTRACT[group].items():
        changed = copy.deepcopy(cfg)
        assert key in changed[group], f"{group}={option} lacks the contract key {key}"
        changed[group][key] = value
        error = _load(changed, {group: option})
        new = {problem.where for problem in error.problems} - before if error else set()
        assert all(where.startswith((group, "decoding", "sharding")) for where in new), (key, error)


@pytest.mark.parametrize("path", sorted(CONF.rglob("*.yaml")), ids=lambda path: str(path.relative_to(CONF)))
def test_every_yaml_opens_with_what_it_is_and_options_show_the_command(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# "), path
    if path.parent.name in CONTRACT or path.parent.name in ("experiment", "variant"):
        head = "\n".join(line for line in lines if line.startswith("#"))
        assert "python run.py" in head or "make demo" in head, path


def test_the_default_is_the_main_job_and_seeds_follow_the_contract() -> None:
    cfg = compose("config", ["seed=7"])
    assert (cfg.decoding.seed, cfg.perturbation.seed) == (7, 7)
    assert (cfg.subset.seed, cfg.judge.seed) == (0, 0)
    assert (cfg.decoding.max_new_tokens, cfg.objective, cfg.plan) == (512, "win_rate", False)
    assert not cfg.variant


def test_all_mistakes_are_reported_together() -> None:
    cfg = compose("config", ["subset=head", "subset.n=0", "judge.order=sideways", "decoding.top_p=2"])
    error = _load(cfg, {})
    assert error is not None
    assert {"subset.n", "judge.order", "decoding.top_p"} <= {problem.where for problem in error.problems}


def test_an_objective_that_the_configuration_cannot_give_is_refused() -> None:
    error = _load(compose("config", ["model=echo", "judge=longest", "objective=win_rat"]), {})
    assert error is not None
    assert "did you mean 'win_rate'" in str(error)


AE2 = ("dataset=alpaca_eval", "judge=weighted_alpaca_eval_gpt4_turbo", "judge.base_url=http://127.0.0.1:1/v1")
LC, NOREG, FILLED = "length_controlled_winrate", "length_controlled_winrate_noreg", "win_rate_filled"
HUNDRED = ("subset=random", "subset.n=100")


@pytest.mark.parametrize(
    ("overrides", "given"),
    [
        (AE2, {LC}),
        ((*AE2, *HUNDRED), {LC, FILLED}),
        ((*AE2, "subset=random", "subset.n=29"), set()),
        ((*AE2, "subset=ids", "subset.ids=[1,2]"), set()),
        ((*AE2, "dataset.path=FILE"), {LC, NOREG}),
        ((*AE2, "dataset.reference=FILE"), {LC, NOREG}),
        (("dataset=alpaca_eval_1", *AE2[1:]), {NOREG}),
        (("dataset=alpaca_eval", "judge=longest"), {NOREG}),
        (("dataset=alpaca_eval", "judge=longest", "dataset.reference=FILE", *HUNDRED), {NOREG, FILLED}),
        (("dataset=demo", "judge=longest", *HUNDRED), {NOREG}),
        (("dataset=alpaca_eval", "judge=recorded", "judge.path=FILE"), {LC}),
    ],
)
def test_an_objective_is_what_judge_reference_and_subset_can_give(
    tmp_path: Path, overrides: tuple[str, ...], given: set[str]
) -> None:
    file = tmp_path / "rows.json"
    row = {"instruction": "x", "output": "y", "preference": 1, "annotator": "weighted_alpaca_eval_gpt4_turbo"}
    file.write_text(json.dumps([row]))
    chosen = [override.replace("FILE", str(file)) for override in overrides]
    found = set()
    for objective in (LC, NOREG, FILLED):
        error = _load(compose("config", ["model=echo", *chosen, f"objective={objective}"]), {})
        problems = error.problems if error else []
        # Where the objective is refused, the rows that stand in for others here are looked at, too.
        assert {problem.where for problem in problems} <= {"objective", "subset.n", "dataset.path"}, error
        assert not problems or "objective" in {problem.where for problem in problems}
        found |= set() if problems else {objective}
    assert found == given


def test_recorded_verdicts_that_cannot_be_read_are_one_mistake(tmp_path: Path) -> None:
    chosen = [
        "model=echo",
        "judge=recorded",
        f"judge.path={tmp_path}/none.json",
        f"objective={LC}",
        "dataset=alpaca_eval",
    ]
    error = _load(compose("config", chosen), {})
    assert error is not None and [problem.where for problem in error.problems] == ["judge.path"]


@pytest.mark.parametrize(
    ("judge", "key"),
    [(("judge=gpt_4_1_mini",), "judge.mode"), (("judge=panel",), "judge.judges.gpt.mode")],
)
def test_early_stopping_is_refused_where_any_judge_asks_in_batches(judge: tuple[str, ...], key: str) -> None:
    error = _load(compose("config", ["model=echo", *judge, f"{key}=batch", "early_stopping.alpha=0.05"]), {})
    (problem,) = [problem for problem in error.problems if problem.where == "early_stopping.alpha"] if error else []
    assert f"leave {key} at direct" in problem.remedy


UNPRICED = {
    "judge.model_name": ["judge=gpt_4_1_mini", "judge.model_name=my-own"],
    "judge.judges.gpt.model_name": ["judge=panel", "judge.judges.gpt.model_name=my-own"],
    "model.path": ["model=openai_compatible", "model.base_url=http://127.0.0.1:1/v1", "model.path=my-own"],
    "perturbation.writer.path": [
        "perturbation=paraphrase", "model@perturbation.writer=openai_compatible",
        "perturbation.writer.base_url=http://127.0.0.1:1/v1", "perturbation.writer.path=my-own",
    ],
}  # fmt: skip


@pytest.mark.parametrize("key", UNPRICED)
def test_a_cap_is_refused_where_a_price_is_unknown_before_anything_is_paid(key: str) -> None:
    given = ["model=echo", "judge=longest", *UNPRICED[key]]
    error = _load(compose("config", [*given, "budget.usd=1"]), {})
    found = (
        [problem for problem in error.problems if "the price of 'my-own' is unknown" in problem.what] if error else []
    )
    assert [problem.where for problem in found] == [key]
    error = _load(compose("config", given), {})
    assert error is None or "the price of" not in str(error)


def test_a_literal_password_in_a_url_is_refused_without_repeating_it() -> None:
    error = _load(compose("config", ["model=echo", "judge=longest", "store.url='postgresql://u:s3cret-pw@h/db'"]), {})
    assert error is not None
    assert "store.url" in str(error)
    assert "oc.env" in str(error)
    assert "s3cret-pw" not in str(error)


def test_identity_ignores_labels_and_directories_and_follows_what_is_asked() -> None:
    def identity(*overrides: str) -> str:
        cfg = compose("config", ["model=echo", "judge=longest", "tracking=none", *overrides])
        return config.load(cfg, {}).identity

    base = identity()
    assert base == identity("name=other", "store.url=sqlite:///elsewhere.db", "tracking.experiment=null")
    assert base != identity("seed=1")
    assert base != identity("judge.order=both")
    assert identity("subset=head", "subset.n=3") != identity("subset=head", "subset.n=4")


def test_experiments_and_variants_compose_and_are_valid() -> None:
    for group in ("experiment", "variant"):
        for path in (CONF / group).glob("*.yaml"):
            assert path.read_text().startswith("# @package _global_"), path
            cfg = compose("config", [f"{group}={path.stem}", "model=echo", "judge=longest"])
            error = _load(cfg, {})
            assert error is None, (path, error)


def test_every_group_of_components_is_in_the_contract_and_has_options() -> None:
    targets = {path.parent.name for path in CONF.glob("*/*.yaml") if "_target_: alpacabench" in path.read_text()}
    # The options of a group that takes a list stand side by side: none replaces another one's keys.
    assert targets - {"checks", "metrics", "tools"} == set(CONTRACT) == {group for group, _ in OPTIONS}


def test_every_contract_file_has_the_keys_that_others_rely_on() -> None:
    # Perturbations share two keys only, which each option's file explains in its own terms.
    assert set(CONTRACT_FILES) == set(CONTRACT) - {"perturbation"}
    for group, keys in CONTRACT_FILES.items():
        assert set(CONTRACT[group]) <= keys, group


@pytest.mark.parametrize("group", sorted(CONTRACT_FILES))
def test_a_groups_keys_are_stated_once_by_its_class(group: str) -> None:
    kind = config.GROUPS[group]
    stated = {name: field.get_default(call_default_factory=True) for name, field in kind.model_fields.items()}
    shown = yaml.safe_load((CONF / "contract" / f"{group}.yaml").read_text())
    # What only some options mean is theirs: a data set's name and licence, the mode that a preset of sharding is.
    assert set(stated) - set(shown) <= kind.shared_keys | {"mode"}
    assert {key: (list(value) if isinstance(value, tuple) else value) for key, value in stated.items()} | {
        "seed": shown.get("seed")
    } == {**stated, **shown, "seed": shown.get("seed")}


def test_the_page_of_keys_gives_the_defaults_that_hold() -> None:
    page = (CONF.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    chosen = compose("config")
    for group in CONTRACT_FILES:
        section = re.search(rf"### {group}\b(.*?)(?=\n### |\Z)", page, re.DOTALL)
        assert section
        rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section[1], re.MULTILINE))
        contract = yaml.safe_load((CONF / "contract" / f"{group}.yaml").read_text())
        assert set(rows) == set(contract), group
        for key, default in contract.items():
            told = rows[key].split(";")[0].strip().strip("`")
            if told == "by option":
                continue
            possible = [
                yaml.safe_dump(value).split("\n")[0]
                for value in (default, chosen[group][key])
                if not isinstance(value, ListConfig)
            ]
            assert told in possible or told == str(default), (group, key, told, possible)
