"""What differs between Hydra 1.3 with OmegaConf 2.3, and Hydra 1.4 with OmegaConf 2.4."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

from omegaconf import OmegaConf

from alpacabench.core.trust import trusted_packages

HYDRAS = ("hydra", "hydra_plugins", "optuna.samplers")
"""Packages whose classes a configuration may name for Hydra to make, beside those that are trusted everywhere."""


def trusted() -> list[str]:
    """Return patterns of the classes that Hydra may make: callbacks, launchers, sweepers, samplers."""
    return [f"{package}.*" for package in (*HYDRAS, *trusted_packages())]


def _is_1_3() -> bool:
    return version("hydra-core").startswith("1.3.")


def main_arguments() -> dict[str, Any]:
    """Return what `hydra.main` takes besides the configuration's place."""
    return {"version_base": "1.3"} if _is_1_3() else {"execution_whitelist": trusted()}


def like_main() -> AbstractContextManager[Any]:
    """Return a block in which Hydra behaves as under `hydra.main`."""
    if _is_1_3():
        from hydra.version import setbase

        setbase("1.3")
        return nullcontext()
    from hydra.utils import execution_whitelist

    allowed: AbstractContextManager[Any] = execution_whitelist(trusted())
    return allowed


def initialize_arguments() -> dict[str, Any]:
    """Return what `hydra.initialize_config_dir` takes besides the configuration's place."""
    return {"version_base": "1.3"} if _is_1_3() else {}


def add_resolvers(program: Callable[[], str]) -> None:
    """Let configurations use `${process_id:}` and `${program:}`, what the user typed to start."""
    # OmegaConf 2.3 has a register_resolver, too: an older one, which calls resolvers in another way.
    register = getattr(OmegaConf, "register_new_resolver" if _is_2_3() else "register_resolver")
    register("process_id", _process_id, use_cache=True, replace=True)
    register("program", program, replace=True)


def _is_2_3() -> bool:
    return version("omegaconf").startswith("2.3.")


def _process_id() -> int:
    return os.getpid()
