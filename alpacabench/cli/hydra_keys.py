"""The keys of a configuration, for messages about those that do not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from alpacabench.cli.hydra_options import option_folders
from alpacabench.core.component import Component

if TYPE_CHECKING:
    from omegaconf import DictConfig

ELSEWHERE: Mapping[str, str] = {
    "limit": "subset=random subset.n", "num_samples": "subset=random subset.n", "samples": "subset=random subset.n",
    "max_samples": "subset=random subset.n", "num_examples": "subset=random subset.n", "n": "subset=random subset.n",
    "model": "model=hf model.path", "model_name": "model=hf model.path", "model_path": "model=hf model.path",
    "checkpoint": "model=hf model.path", "lora": "model=hf model.path", "adapter": "model.adapter",
    "tokens": "decoding.max_new_tokens", "max_tokens": "decoding.max_new_tokens",
    "max_length": "decoding.max_new_tokens",
    "dataset": "dataset=jsonl dataset.path", "data": "dataset=jsonl dataset.path",
    "prompts": "dataset=jsonl dataset.path",
    "model_outputs": "model=recorded model.path", "outputs": "model=recorded model.path",
    "annotators_config": "judge=alpaca_eval judge.annotator", "reference_outputs": "dataset.reference",
    "judge_model": "judge.model_name", "workers": "judge.concurrency", "num_workers": "judge.concurrency",
    "output_dir": "hydra.run.dir", "output": "hydra.run.dir", "out": "hydra.run.dir", "output_path": "hydra.run.dir",
    "num_gpus": "sharding=data_parallel sharding.num_processes",
    "gpus": "sharding=data_parallel sharding.num_processes",
    "batch": "sharding.batch_size", "base": "report.base", "budget": "budget.usd", "db": "store.url",
}  # fmt: skip
"""What other programs call a thing, and what it is here."""


def in_full(name: str, key: str = "") -> list[str]:
    """Return the keys that somebody may mean who wrote a name: by other programs' names, then by the last part.

    Args:
        name: the last part of what was given.
        key: all of it, whose group may be misspelt.

    """
    plain, groups = name.replace("-", "_").lower(), _groups()
    if "." not in key and plain in ELSEWHERE:
        return [ELSEWHERE[plain]]
    parent = key.rpartition(".")[0]
    if parent and parent.partition(".")[0] not in groups:
        close = get_close_matches(parent, list(groups), n=1)
        return [f"{close[0]}.{name}"] if close and name in groups[close[0]] else []
    if parent:
        return []
    found = [f"{group}.{name}".lstrip(".") for group, names in groups.items() if plain in names]
    return found or [f"{group}.{other}" for group, names in groups.items() for other in _close(plain, names)][:1]


def _close(name: str, names: set[str]) -> list[str]:
    return get_close_matches(name, sorted(names), n=1, cutoff=0.85)


def _groups() -> dict[str, set[str]]:
    """Return the keys that all options of a group have, by group; those outside the groups by the empty text."""
    from alpacabench.run.experiment import GROUPS
    from alpacabench.run.settings import Settings

    nested = {
        name: set(kind.model_fields)
        for name, field in Settings.model_fields.items()
        if isinstance(kind := field.annotation, type) and issubclass(kind, Component)
    }
    plain = {name for name in Settings.model_fields if name not in nested}
    return {group: set(kind.model_fields) for group, kind in GROUPS.items()} | nested | {"": plain}


def keys_beside(config: DictConfig, key: str) -> set[str] | None:
    """Return the keys that stand beside a dotted one in a configuration; None where its parent takes any."""
    from omegaconf import DictConfig

    node, *parts = config, *key.split(".")
    for part in parts[:-1]:
        if part not in node.keys():  # noqa: SIM118  a missing value is a key, too
            return set()
        below = node._get_node(part)
        if not isinstance(below, DictConfig):
            return None
        node = below
    return {str(name) for name in node.keys()}  # noqa: SIM118


def options_with(group: str, name: str) -> list[str]:
    """Return the options of a group in whose file of their own a key stands."""
    options = (path for folder in option_folders() for path in (folder / group).glob("*.yaml") if group)
    return sorted({path.stem for path in options if re.search(rf"^{re.escape(name)}:", path.read_text(), re.MULTILINE)})


def sweeps_over(text: str) -> list[str]:
    """Return one override for each value of a sweep that can be listed; empty where it is no such sweep."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(text)
        if not parsed.is_sweep_override() or parsed.is_interval_sweep():
            return []
        return [f"{text.partition('=')[0]}={value}" for value in _values(parsed)]
    except HydraException:
        return []


def _values(parsed: object) -> Iterator[str]:
    yield from (str(value) for value in parsed.sweep_string_iterator())  # type: ignore[attr-defined]
