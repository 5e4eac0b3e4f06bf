"""Write a judge as an annotators_config with which alpaca_eval itself runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alpacabench.core.component import require
from alpacabench.core.errors import Problem
from alpacabench.core.hosts import public_url
from alpacabench.judge.alpaca_eval import AlpacaEvalAnnotator
from alpacabench.judge.api import ApiJudge
from alpacabench.judge.base import Judge
from alpacabench.judge.template import load_template
from alpacabench.judge.token import TokenJudge
from alpacabench.judge.written import WrittenJudge


def export_judge(judge: Judge, directory: Path) -> Path:
    """Write `NAME/configs.yaml` and its template; returns the path for `alpaca_eval evaluate --annotators_config`.

    Raises:
        ConfigError: alpaca_eval cannot express this judge.

    """
    require(list(_not_expressible(judge)))
    assert isinstance(judge, ApiJudge)
    import yaml

    name = "".join(c if c.isalnum() or c in "-_.+" else "_" for c in judge.label)
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "template.txt").write_text(_chat(load_template(judge.template)), encoding="utf-8")
    config = {name: {"prompt_template": f"{name}/template.txt", "batch_size": 1, **_request(judge), **_parser(judge)}}
    path = folder / "configs.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _not_expressible(judge: Judge) -> Iterator[Problem]:
    if isinstance(judge, AlpacaEvalAnnotator):
        yield Problem(
            "judge.annotator", f"given '{judge.annotator}', which alpaca_eval ships itself",
            f"alpaca_eval evaluate --annotators_config {judge.annotator} ...",
        )  # fmt: skip
    elif not isinstance(judge, TokenJudge | WrittenJudge):
        what = f"given {judge.label}, which alpaca_eval has no parser for"
        yield Problem("judge", what, "choose a judge with one token or with a written verdict")
    elif judge.temperature is None:
        yield Problem("judge.temperature", "given null, but alpaca_eval always sends one", "set a number")
    if judge.order != "seeded" or judge.repeats != 1 or judge.seed != 0:
        yield Problem(
            "judge", f"given order={judge.order}, repeats={judge.repeats}, seed={judge.seed}; alpaca_eval judges once, "
            "in the order of seed 0", "leave the three at their defaults",
        )  # fmt: skip


def _chat(template: str) -> str:
    """Return a template with chat markers, which alpaca_eval's chat clients insist on."""
    return template if "<|im_start|>" in template else f"<|im_start|>user\n{template.strip()}\n<|im_end|>"


def _request(judge: ApiJudge) -> dict[str, Any]:
    arguments: dict[str, Any] = {"model_name": judge.model_name} | judge.parameters()
    if judge.provider == "anthropic":
        arguments["max_tokens_to_sample"] = arguments.pop("max_tokens")
        return {"fn_completions": "anthropic_completions", "completions_kwargs": arguments}
    arguments["requires_chatml"] = True
    if judge.base_url:
        arguments["client_kwargs"] = {"base_url": public_url(judge.base_url)}
    return {"fn_completions": "openai_completions", "completions_kwargs": arguments}


def _parser(judge: ApiJudge) -> dict[str, Any]:
    if isinstance(judge, TokenJudge):
        first, second = judge.tokens
        arguments = {"numerator_token": first, "denominator_tokens": [first, second], "is_binarize": False}
        return {
            "fn_completion_parser": "logprob_parser",
            "completion_parser_kwargs": arguments,
            "completion_key": "completions_all",
        }
    verdict = r"[Vv]erdict\W*(?:model\s+)?{}\W*$"
    outputs = {1: verdict.format("m"), 2: verdict.format("M"), 1.5: verdict.format("[Tt]ie")}
    return {"fn_completion_parser": "regex_parser", "completion_parser_kwargs": {"outputs_to_match": outputs}}
