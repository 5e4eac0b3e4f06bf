"""Start Hydra and turn every expected error into one message and an exit code, never a traceback."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from typing import Any

from alpacabench.config import LITERAL_PASSWORD, refused_password
from alpacabench.errors import AlpacabenchError, ConfigError, allowed

INTERRUPTED = 130


def run(main: Callable[[], Any]) -> int:
    """Run the Hydra application; returns the exit code.

    0: all went well. 1: a run or a job of a sweep failed. 2: the configuration or a data file is wrong. 130: interrupted.
    """
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from alpacabench.sweep import outcome

    OmegaConf.register_new_resolver("process_id", os.getpid, use_cache=True, replace=True)
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR", "0") == "1"
    # Hydra prints errors in its own words and exits; with this set it raises them, and we print them in ours.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        _refuse_passwords(sys.argv[1:])
        main()
    except KeyboardInterrupt:
        print("Interrupted. What was finished is kept: the same command continues.", file=sys.stderr)
        return INTERRUPTED
    except (AlpacabenchError, HydraException, OmegaConfBaseException) as error:
        if wants_traceback:
            raise
        return _report(error)
    return outcome.exit_code()


def _report(error: Exception) -> int:
    ours = _ours(error)
    log = logging.getLogger("alpacabench")
    message = str(ours) if ours else _explain(error)
    # Before Hydra has set logging up there is no handler: the message must be seen all the same.
    if logging.getLogger().handlers:
        log.error("%s", message)
    else:
        print(message, file=sys.stderr)
    return ours.exit_code if ours else ConfigError.exit_code


def _ours(error: BaseException | None) -> AlpacabenchError | None:
    """Return the first of our errors in the chain: Hydra wraps what a callback raises."""
    while error is not None:
        if isinstance(error, AlpacabenchError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _explain(error: Exception) -> str:
    """Return Hydra's message with what is allowed and what to do."""
    message = str(error).strip()
    unknown = re.search(r"Key '([^']+)' is not in struct\s+full_key: (\S+)", message)
    if unknown:
        return _unknown_key(unknown[2])
    if "Could not find" in message or "Could not override" in message:
        return f"Unknown option. {message}\n    `python run.py --help` lists the groups and their options"
    return f"{message}\n    `python run.py --help` lists the groups, their options and every key"


def _unknown_key(full_key: str) -> str:
    """Return a message for a misspelt key, with the keys that stand beside it."""
    parent, _, name = full_key.rpartition(".")
    known = _siblings(parent)
    where = f"{parent}." if parent else ""
    return (
        f"{full_key}: unknown key '{name}'"
        + (f" of {parent}" if parent else "")
        + (f"\n    {allowed(name, [where + key for key in known] if not parent else known)}" if known else "")
        + "\n    `python run.py --help` lists every key; an option's own keys are in its file in conf/"
    )


def _siblings(parent: str) -> list[str]:
    """Return the keys of a node of the configuration as it is without the unknown override."""
    from hydra import compose
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import DictConfig, OmegaConf

    choices = [a for a in sys.argv[1:] if re.fullmatch(r"[\w/@]+=[\w,-]+", a) and "." not in a.split("=")[0]]
    if not GlobalHydra.instance().is_initialized():
        return []
    try:
        node = OmegaConf.select(compose("config", overrides=[c for c in choices if "," not in c]), parent or "")
    except (HydraException, Exception):  # noqa: BLE001 - the message is complete without the suggestion
        return []
    return [str(key) for key in node if key != "_target_"] if isinstance(node, DictConfig) else []


def _refuse_passwords(arguments: list[str]) -> None:
    """Refuse a literal password before Hydra writes the overrides into files."""
    problems = [refused_password(a.partition("=")[0]) for a in arguments if LITERAL_PASSWORD.search(a)]
    if problems:
        raise ConfigError(problems)
