"""How others have an API model answer and another judge it: alpaca_eval's own pipeline, and inspect_ai with a grader.

    python benchmarks/peers/pipelines.py NAME JOB.json

Started by benchmarks/pipeline.py in a process of its own and an empty directory, so that its time includes imports, as
ours does. Prints the number of answers that were judged.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any, TypedDict

JUDGE = "weighted_alpaca_eval_gpt4_turbo"


class Job(TypedDict):
    """What is asked of whom."""

    url: str
    """The server's, for the model and for the judge."""
    rows: list[dict[str, str]]
    """`instruction`, and the reference as `output`."""
    concurrency: int


def alpaca_eval(job: Job) -> int:
    """Ask alpaca_eval's `evaluate_from_model`, at its own number of requests at once."""
    os.environ |= {"OPENAI_API_KEYS": "none", "OPENAI_API_BASE": job["url"]}
    models = Path("models/model").absolute()
    models.mkdir(parents=True)
    (models / "prompt.txt").write_text("<|im_start|>user\n{instruction}\n<|im_end|>")
    values = {"model_name": "model", "max_tokens": 512, "requires_chatml": True}
    settings = {"prompt_template": str(models / "prompt.txt"), "fn_completions": "openai_completions"}
    (models / "configs.yaml").write_text(json.dumps({"model": settings | {"completions_kwargs": values}}))
    evaluate = importlib.import_module("alpaca_eval.main").evaluate_from_model
    rows = [row | {"dataset": "made_up", "generator": "reference"} for row in job["rows"]]
    # Its usual metric, of the length-controlled win rate, would download a file.
    evaluate(str(models), evaluation_dataset=rows, annotators_config=JUDGE, output_path="out", fn_metric="get_winrate",
             sort_by="win_rate", caching_path="cache.json")  # fmt: skip
    judged = json.loads(next(Path("out").rglob("annotations.json")).read_text())
    return sum(row["preference"] is not None for row in judged)


def inspect_ai(job: Job) -> int:
    """Ask inspect_ai for an evaluation whose grader sees question, reference and answer, with as many at once."""
    os.environ["OPENAI_API_KEY"] = "none"
    inspect, data, solver, scorer, models = (
        importlib.import_module(f"inspect_ai{part}") for part in ("", ".dataset", ".solver", ".scorer", ".model")
    )
    config = models.GenerateConfig(max_connections=job["concurrency"], max_tokens=512)
    model, grader = (
        models.get_model(f"openai/{name}", base_url=job["url"], config=config, responses_api=False)
        for name in ("model", "grader")
    )
    task = inspect.Task(
        dataset=[data.Sample(input=row["instruction"], target=row["output"]) for row in job["rows"]],
        solver=solver.generate(),
        scorer=scorer.model_graded_qa(model=grader),
    )
    (log,) = inspect.eval(task, model=model, display="none", log_dir="logs", max_samples=2 * job["concurrency"])
    samples: list[Any] = log.samples or []
    return sum(bool(sample.scores) and all(s.value in ("C", "I") for s in sample.scores.values()) for sample in samples)


PEERS = {"alpaca_eval": alpaca_eval, "inspect_ai": inspect_ai}

if __name__ == "__main__":
    print(PEERS[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))
