"""Overrides as Hydra reads them: what a key is set to, and what a sweep varies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig


def pairs(overrides: Sequence[str]) -> dict[str, str]:
    """Return the values by key, as they are and not as they are quoted or escaped for Hydra."""
    split = (override.partition("=") for override in overrides)
    return {key.lstrip("+~"): _plain(value) for key, _, value in split}


def _plain(value: str) -> str:
    if "\\" not in value and not value.startswith(("'", '"')):
        return value
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return str(OverridesParser.create().parse_override(f"key={value}").value())


def expand(config: DictConfig) -> list[list[str]] | None:
    """Return the overrides of every job; None where the sweeper is not Hydra's basic one and chooses as it goes."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    if not str(config.hydra.sweeper._target_).endswith(".BasicSweeper"):
        return None
    return list(BasicSweeper.split_arguments(_parsed(config), None)[0])


def searched(config: DictConfig) -> list[str]:
    """Return the keys that a search varies, in alphabetical order."""
    return sorted(o.get_key_element().lstrip("+~") for o in _parsed(config) if o.is_sweep_override())


def fixed(config: DictConfig) -> list[str]:
    """Return the overrides that all jobs of a search share."""
    return [override.input_line for override in _parsed(config) if not override.is_sweep_override()]


def _parsed(config: DictConfig) -> list[Any]:
    """Return Hydra's parsed overrides: those of the sweeper's `params`, then those of the command."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    params = config.hydra.sweeper.get("params") or {}
    arguments = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    return list(OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(arguments))
