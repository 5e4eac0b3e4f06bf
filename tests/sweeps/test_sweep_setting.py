"""The names of a sweep's jobs: only what varies, and of paths only what tells them apart."""

from __future__ import annotations

import pytest

from alpacabench.io.job_names import job_names, short_params


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"decoding.temperature": "0.3", "perturbation": "typos"}, "0.3, typos"),
        ({"decoding": "greedy", "perturbation": "none"}, "greedy, no perturbation"),
        ({"decoding": "sampling", "decoding.seed": "1"}, "sampling, seed 1"),
        ({"model.path": "out/run/checkpoint-100"}, "checkpoint-100"),
        ({"judge.instruction": "perturbed", "model.allow_missing": "true"}, "perturbed, allow_missing true"),
        ({}, ""),
    ],
)
def test_a_name_holds_only_what_varies(params: dict[str, str], name: str) -> None:
    assert job_names([params]) == [name]


def test_runs_of_equal_file_names_and_prompts_with_a_slash_have_names_of_their_own() -> None:
    paths = [{"model.path": path} for path in ("/a/x/out.json", "/a/y/out.json", "/a/y/checkpoint-100")]
    assert job_names(paths) == ["x/out", "y/out", "y/checkpoint-100"]
    prompts = [{"model.system_prompt": text} for text in ("[/red] hi", "be brief and/or kind")]
    assert job_names(prompts) == ["[/red] hi", "be brief and/or kind"]


def test_paths_lose_what_they_share_and_the_endings_of_data_files() -> None:
    paths = ["/data/a/one-7b-v1.5.json.gz", "/data/a/one-13b-v1.5.json.gz", "/data/b/one-13b-v1.5.json.gz"]
    found = short_params([{"model.path": path, "seed": "0"} for path in paths])
    assert [job["model.path"] for job in found] == ["a/one-7b-v1.5", "a/one-13b-v1.5", "b/one-13b-v1.5"]
    assert {job["seed"] for job in found} == {"0"}
    hub = short_params([{"model.path": "Qwen/Qwen2.5-7B"}, {"model.path": "Qwen/Qwen2.5-0.5B"}])
    assert [job["model.path"] for job in hub] == ["Qwen2.5-7B", "Qwen2.5-0.5B"]
    urls = short_params([{"judge.base_url": f"http://127.0.0.1:9/v{n}"} for n in (1, 2)])
    assert [job["judge.base_url"] for job in urls] == ["v1", "v2"]
    kinds = short_params([{"model.path": f"out/answers.{kind}"} for kind in ("json", "csv")])
    assert [job["model.path"] for job in kinds] == ["answers.json", "answers.csv"]


def test_values_that_are_no_paths_stay_as_they_are() -> None:
    jobs = [{"model.path": "gpt2"}, {"model.path": "a/gpt2"}, {}]
    assert short_params(jobs) == jobs
