"""Values that Hydra reads otherwise reach the configuration as the text that was typed."""

from __future__ import annotations

from typing import Any

import pytest
from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from alpacabench.cli.hydra_options import composing
from alpacabench.cli.hydra_typed import as_typed


def value(override: str) -> Any:
    """Return what Hydra and OmegaConf make of an override."""
    (typed,) = as_typed([override])
    read = OverridesParser.create().parse_override(typed)
    return OmegaConf.create({"value": read.value(), "seed": 0})["value"]


def test_a_list_of_texts_stays_a_list() -> None:
    assert list(value('decoding.stop=["<|im_end|>"]')) == ["<|im_end|>"]
    assert list(value("subset.strata=[source,category]")) == ["source", "category"]


def test_the_whole_configuration_takes_the_text() -> None:
    typed = as_typed(["name=модель", "model.path=out/lr=1e-4/a", "model.revision=5e10423", "report.base=a=b"])
    with composing():
        cfg = compose("config", overrides=["model=hf", *typed])
    assert (cfg.name, cfg.model.path) == ("модель", "out/lr=1e-4/a")
    assert (cfg.model.revision, cfg.report.base) == ("5e10423", "a=b")


TEXTS = [
    "~/x", "out/lr=1e-4/checkpoint-1", "модель", "5e10423", "2024", "007", "1e-3", "true", "a,b", "it's", 'a "b" c',
    "abc ", " abc", "[INST]", "gpt(4)", "{a}", "a:b", "C:\\new\\x", "a${b", "50%", "a;b|c&d", "日本語 モデル", "nan",
    "inf", "yes", "no", "2024-01-01", "a=b,c=d", "(x)", "#1", "*", "a\nb", "1_000", "'", "${", "$HOME",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_taken_as_it_was_typed(text: str) -> None:
    assert value(f"name={text}") == text
    assert value(f"model.path={text}") == text


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20).filter(
        lambda text: text.strip()[:1] not in ("'", '"', "") and not {"\\", "$"} & set(text) and text.strip() != "null"
    )
)
def test_any_text_is_taken_as_it_was_typed(text: str) -> None:
    assert value(f"name={text}") == text


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("name=null", None), ("name='quoted, text'", "quoted, text"), ("seed=3", 3),
        ("decoding.temperature=1e-3", 1e-3),
        ("plan=true", True), ("report.base=0", 0), ("report.base=decoding=greedy", "decoding=greedy"),
        ("name=${seed}", 0), ("judge.path=[a.json,b.json]", ["a.json", "b.json"]),
    ],
)  # fmt: skip
def test_what_is_no_text_stays_what_it_is(override: str, expected: object) -> None:
    assert value(override) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("model.path=out/lr=1/a,out/lr=2/b", "model.path='out/lr=1/a','out/lr=2/b'"),
        ("model.revision=5e10423,abc", "model.revision='5e10423',abc"),
        ("name='a,b',c", "name='a,b',c"), ("decoding.temperature=0.0,0.7", "decoding.temperature=0.0,0.7"),
        ("seed=range(1,4)", "seed=range(1,4)"), ("model.name=choice(a,b)", "model.name=choice(a,b)"),
        ("perturbation=none,typos", "perturbation=none,typos"), ("~name", "~name"), ("--cfg", "--cfg"),
        ("hydra.sweep.dir=out/a=b", "hydra.sweep.dir='out/a=b'"), 
        ("variant=base,casing_low", "variant=base,casing_low"),
    ],
)  # fmt: skip
def test_a_sweep_stays_one(given: str, expected: str) -> None:
    assert as_typed(["-m", given]) == ["-m", expected]
