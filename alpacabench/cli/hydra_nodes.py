"""What Hydra itself makes from a configuration is looked at before it is made.

Callbacks, launchers, sweepers and the handlers of its logging are named in the configuration, too, and Hydra 1.3 calls
whatever stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf

from alpacabench.cli.hydra_versions import trusted
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.core.trust import remedy

LOGGING = ("logging.*", "colorlog.*", "rich.*")
"""Packages of the handlers and formatters that a logging configuration may name."""
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")


def check_nodes() -> None:
    """Let every configuration that Hydra composes be looked at, in this process and from now on."""
    # Hydra 1.4 composes the jobs of a sweep by the second alone.
    name = "_load_configuration" if hasattr(ConfigLoaderImpl, "_load_configuration") else "load_configuration"
    load = getattr(ConfigLoaderImpl, name)
    if getattr(load, "looks", False):
        return

    @wraps(load)
    def looking(*arguments: Any, **named: Any) -> DictConfig:
        config: DictConfig = load(*arguments, **named)
        problems = list(hydra_problems(config))
        if problems:
            raise ConfigError(problems)
        return config

    looking.looks = True  # type: ignore[attr-defined]
    setattr(ConfigLoaderImpl, name, looking)


def hydra_problems(config: DictConfig) -> Iterator[Problem]:
    """Yield what the node `hydra` names for Hydra to call that is neither Hydra's, ours, nor trusted."""
    if "hydra" in config:
        yield from _problems("hydra", OmegaConf.to_container(config.hydra, resolve=False), in_logging=False)


def _problems(key: str, value: Any, in_logging: bool) -> Iterator[Problem]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(f"{key}[{number}]", item, in_logging)
    if isinstance(value, str) and in_logging and value.startswith(("ext://", "cfg://")) and value not in STREAMS:
        yield Problem(key, f"given '{value}'", f"allowed: {', '.join(STREAMS)}")
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        here = f"{key}.{name}"
        called = name == "_target_" or (in_logging and name in ("class", "()"))
        if called and not _allowed(str(item), in_logging):
            what = f"given '{item}', which is not trusted and was not imported; it must be Hydra's, ours or a plug-in's"
            yield Problem(here, what, remedy(str(item)))
        else:
            yield from _problems(here, item, in_logging or here in ("hydra.hydra_logging", "hydra.job_logging"))


def _allowed(target: str, in_logging: bool) -> bool:
    # hydra.utils imports and calls what it is given.
    patterns = [*trusted(), *(LOGGING if in_logging else ())]
    return not (target.startswith("hydra.utils.") or ".__" in target) and any(
        fnmatchcase(target, pattern) for pattern in patterns
    )
