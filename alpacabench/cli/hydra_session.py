"""Hydra inside a program that is not ours, such as a notebook: nothing of it is left when the block ends."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import OmegaConfBaseException

from alpacabench.cli import hydra_entry as entry
from alpacabench.cli.hydra_options import use_own_options
from alpacabench.cli.hydra_versions import like_main
from alpacabench.core.conf import conf
from alpacabench.core.context import opened
from alpacabench.core.errors import AlpacabenchError, ConfigError, Problem, StageError
from alpacabench.io.run_files import unwritable
from alpacabench.security.output import OWNER_ALONE
from alpacabench.security.redact import redact

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra

CONFIG = "config"


def run_one(overrides: Sequence[str], directory: Path) -> None:
    """Run one evaluation into a directory, as the command line does.

    Raises:
        AlpacabenchError: what the command line would print.

    """
    from alpacabench.cli.hydra_job import evaluate

    failed: list[AlpacabenchError] = []

    def job(cfg: DictConfig) -> float | None:
        try:
            return evaluate(cfg)
        except AlpacabenchError as error:
            # Hydra would print words of its own about what a job raises.
            failed.append(error)
            return None

    _in_session(
        overrides,
        lambda hydra, given: hydra.run(CONFIG, job, given),
        ["hydra.mode=RUN", f"hydra.run.dir={quoted(directory)}"],
    )
    for error in failed:
        _raise(error)


def run_many(overrides: Sequence[str], directory: Path) -> None:
    """Run a sweep into a directory, as the command line does with -m; a job that fails does not stop the others.

    Raises:
        AlpacabenchError: what the command line would print.

    """
    from alpacabench.cli.run import job

    _in_session(
        overrides,
        lambda hydra, given: hydra.multirun(CONFIG, job, given),
        ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={quoted(directory)}"],
        flags=["-m"],
    )


def quoted(value: object) -> str:
    """Return a value as Hydra's grammar takes it, whatever it holds."""
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _in_session(
    overrides: Sequence[str],
    run: Callable[[Hydra, list[str]], Any],
    ours: Sequence[str],
    flags: Sequence[str] = (),
) -> None:
    """Run with our overrides and the user's, which are read as the command line with these flags reads them."""
    try:
        _require_overrides(overrides)
        typed = entry.accepted([*flags, *overrides])
        typed = typed[: len(typed) - len(flags)]
        with _session() as hydra:
            run(hydra, [*ours, *typed])
    except SystemExit as stopped:
        if not stopped.code:
            from alpacabench.cli.hydra_job import NO_PLAN

            raise ConfigError([NO_PLAN]) from None
        # A callback can only leave Hydra so; the error that it showed is the cause.
        if not isinstance(stopped.__cause__, AlpacabenchError):
            raise StageError("the sweep could not be opened or ended; what was shown above says why") from stopped
        _raise(stopped.__cause__)
    except (AlpacabenchError, HydraException, OmegaConfBaseException) as error:
        _raise(error, overrides)
    except OSError as error:
        if error.filename is None:
            raise
        raise ConfigError([unwritable(error.filename, error, "hydra.run.dir")]) from None


def _raise(error: BaseException, overrides: Sequence[str] = ()) -> None:
    """Raise the error in our words, without a secret."""
    ours = entry.our_error(error) or entry.all_mistakes(error, overrides)
    text = str(ours)
    if redact(text) == text:
        raise ours from None
    raise (type(ours) if not isinstance(ours, ConfigError) else AlpacabenchError)(redact(text)) from None


def _require_overrides(overrides: Sequence[str]) -> None:
    """Refuse what is no override: a flag of the command line, a list in place of its items."""
    wrong = [text for text in overrides if not isinstance(text, str) or text.startswith("-")]
    if wrong:
        remedy = (
            "give overrides one by one: evaluate('model=recorded', 'model.path=outputs.json'); a sweep is sweep(...)"
        )
        raise ConfigError([Problem("overrides", f"given {', '.join(map(repr, wrong))}", remedy)])


@contextmanager
def _session() -> Iterator[Hydra]:
    """Give a Hydra of its own, and put everything back that it changes in the process."""
    from hydra._internal.hydra import Hydra
    from hydra._internal.utils import create_config_search_path

    instances, resolvers, place = Singleton._instances, BaseContainer._resolvers, Path.cwd()
    load = ConfigLoaderImpl.load_configuration
    # What plugins and the user's own code stored for Hydra stays known.
    Singleton._instances = {kind: one for kind, one in instances.items() if kind is ConfigStore}
    BaseContainer._resolvers = dict(resolvers)
    mask = os.umask(OWNER_ALONE)
    try:
        with opened(), _own_logging(), like_main():
            use_own_options()
            yield Hydra.create_main_hydra2("run", create_config_search_path(str(conf())))
    finally:
        os.umask(mask)
        os.chdir(place)
        Singleton._instances, BaseContainer._resolvers = instances, resolvers
        ConfigLoaderImpl.load_configuration = load


@contextmanager
def _own_logging() -> Iterator[None]:
    """Let Hydra set logging up, and put the program's own back: Hydra closes every handler that it finds."""
    root = logging.getLogger()
    before = root.handlers, root.level, logging._handlerList[:], dict(logging._handlers)  # type: ignore[attr-defined]
    levels = {name: logging.getLogger(name).level for name in ("alpacabench", "hydra")}
    root.handlers = []
    logging._handlerList.clear()  # type: ignore[attr-defined]
    logging._handlers.clear()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers, level, handlers, named = before
        root.setLevel(level)
        logging._handlerList[:] = handlers  # type: ignore[attr-defined]
        logging._handlers.clear()  # type: ignore[attr-defined]
        logging._handlers.update(named)  # type: ignore[attr-defined]
        for name, own in levels.items():
            logging.getLogger(name).setLevel(own)
