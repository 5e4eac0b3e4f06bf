"""Judges and models of one option at many servers: an option's configuration is composed once."""

from __future__ import annotations

from functools import cache
from typing import Any

from alpacabench.decoding import Decoding
from alpacabench.judge.base import Judge
from alpacabench.model.base import Model
from alpacabench.sharding import Sharding
from alpacabench.store.store import Store
from tests.helpers.judge_data import load_judge, made_up_pairs
from tests.model.test_model_api import PROMPTS, load_model

NOWHERE = "http://127.0.0.1:9/v1"


@cache
def _judge(option: str, *overrides: str) -> Judge:
    return load_judge(option, f"judge.base_url={NOWHERE}", *overrides)


@cache
def _model(option: str) -> Model:
    return load_model(option, f"model.base_url={NOWHERE}", "model.path=m")


def judge_at(url: str, option: str = "gpt_4_1", *overrides: str, **values: Any) -> Judge:
    return _judge(option, *overrides).model_copy(update={"base_url": url} | values)


def failures(url: str, store: Store, count: int = 20, **values: Any) -> tuple[int, int]:
    """Judge pairs at a server; returns how many verdicts exist, and how many are missing."""
    missing = [v.preference is None for v in judge_at(url, **values).judge(made_up_pairs(count), store)]
    return missing.count(False), missing.count(True)


def generated(url: str, store: Store, option: str = "openai_compatible", prompts: Any = PROMPTS) -> list[str | None]:
    model = _model(option).model_copy(update={"base_url": url})
    return [answer.text for answer in model.generate(prompts, Decoding(), Sharding(), store)]
