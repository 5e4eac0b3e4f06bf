"""What the jobs of a sweep are called: what varies between them, as short as is clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

DATA_SUFFIXES = (".gz", ".json", ".jsonl", ".csv")
UNCHANGED = ("none", "null")
UNCLEAR = ("true", "false")
"""Values that say nothing without their key."""

Params = Mapping[str, str]
"""What varies in a sweep: config key to value."""


def job_names(jobs: Sequence[Params]) -> list[str]:
    """Return names for lists with little room: '0.3, no perturbation', 'greedy, seed 1'; the parent names the keys."""
    return [
        ", ".join(_word(key.rpartition(".")[2], value) for key, value in params.items())
        for params in short_params(jobs)
    ]


def short_params(jobs: Sequence[Params]) -> list[dict[str, str]]:
    """Return each job's values; of paths only the part that tells them apart."""
    keys = dict.fromkeys(key for job in jobs for key in job)
    short = {key: _short_values([job[key] for job in jobs if key in job]) for key in keys}
    return [{key: short[key][value] for key, value in job.items()} for job in jobs]


def _word(stem: str, value: str) -> str:
    if value in UNCHANGED:
        return f"no {stem}"
    return f"{stem} {value}" if stem == "seed" or value.lower() in UNCLEAR else value


def _short_values(values: Sequence[str]) -> dict[str, str]:
    distinct = list(dict.fromkeys(values))
    if not all("/" in value and " " not in value for value in distinct):  # a prompt may hold a slash, too
        return {value: value for value in distinct}
    parts = [PurePosixPath(value).parts for value in distinct]
    shared = 0
    while all(len(one) > shared + 1 for one in parts) and len({one[shared] for one in parts}) == 1:
        shared += 1
    own = ["/".join(one[shared:]) for one in parts]
    bare = [_bare(name) for name in own]
    return dict(zip(distinct, bare if len(set(bare)) == len(bare) else own, strict=True))


def _bare(name: str) -> str:
    while PurePosixPath(name).suffix in DATA_SUFFIXES:
        name = name.removesuffix(PurePosixPath(name).suffix)
    return name
