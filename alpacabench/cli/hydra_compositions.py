"""What the jobs of a sweep share is composed once, and each of them once.

Hydra composes a job from all its files for each of its own check, ours, and its start: 0.2 s each. The defaults list
of a choice of options, parsed overrides and finished jobs are kept here, as copies that nobody can change, while the
sweep lasts, and so is every file that was read for any composition, until it changes.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from hydra._internal import config_loader_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from alpacabench.core.context import owned


@dataclass
class Composed:
    """What one of Hydra's loaders has composed."""

    repositories: dict[Hashable, Any] = field(default_factory=dict)
    """Hydra's places to look for files, by its own overrides."""
    parsed: dict[str, Any] = field(default_factory=dict)
    """Overrides by their text."""
    defaults: dict[Hashable, Any] = field(default_factory=dict)
    """Hydra's defaults list by the overrides that choose options."""
    merged: dict[int, bytes] = field(default_factory=dict)
    """The merged files of a defaults list, by its identity: `defaults` keeps it alive."""
    jobs: dict[Hashable, bytes] = field(default_factory=dict)


class Loaders:
    """What was composed in this call, by loader."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, Composed] = WeakKeyDictionary()

    def of(self, loader: Any) -> Composed:
        """Return what a loader has composed; another one may have other files."""
        return self._known.setdefault(loader, Composed())


class Files:
    """What was read of files in this call, pickled, by place and time of change."""

    def __init__(self) -> None:
        self.read: dict[Hashable, bytes] = {}


_sweep: ContextVar[Composed | None] = ContextVar("composed", default=None)
"""Where a job of a sweep is being composed: what its loader has composed."""


def compose_once() -> None:
    """Let the jobs of sweeps be composed once, in this process and from now on; another Hydra stays as it is."""
    parts = (
        (ConfigLoaderImpl, "load_sweep_config", _job),
        (ConfigLoaderImpl, "_parse_overrides_and_create_caching_repo", _places),
        (ConfigLoaderImpl, "_compose_config_from_defaults_list", _merge),
        (FileConfigSource, "load_config", _file),
        (config_loader_impl, "create_defaults_list", _defaults),
    )
    known = [(place, name, getattr(place, name, None), remembering) for place, name, remembering in parts]
    if all(made and not hasattr(made, "remembers") for _, _, made, _ in known):
        for place, name, made, remembering in known:
            wrapped = wraps(made)(remembering(made))  # type: ignore[arg-type]
            wrapped.remembers = True  # type: ignore[attr-defined]
            setattr(place, name, wrapped)


def _job(load: Callable[..., DictConfig]) -> Callable[..., DictConfig]:
    def load_sweep_config(self: ConfigLoaderImpl, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        composed = owned(Loaders).of(self)
        # As text: an interpolation in it may be of what only the job knows.
        given = OmegaConf.to_container(master_config.hydra.overrides.hydra, resolve=False)
        key = str(given), tuple(sweep_overrides), os.getcwd()
        if key in composed.jobs:
            config: DictConfig = pickle.loads(composed.jobs[key])
            # What the sweep has resolved, such as the time, is the same in its jobs.
            OmegaConf.copy_cache(from_config=master_config, to_config=config)
            return config
        token = _sweep.set(composed)
        try:
            config = load(self, master_config, sweep_overrides)
        finally:
            _sweep.reset(token)
        composed.jobs[key] = pickle.dumps(config)
        return config

    return load_sweep_config


def _places(parse: Callable[..., Any]) -> Callable[..., Any]:
    def parse_and_find(self: ConfigLoaderImpl, config_name: str | None, overrides: list[str]) -> Any:
        composed = _sweep.get()
        if composed is None:
            return parse(self, config_name, overrides)
        key = config_name, tuple(line for line in overrides if line.lstrip("+~").startswith("hydra"))
        if key not in composed.repositories:
            _, composed.repositories[key] = parse(self, config_name, overrides)
        for line in overrides:
            if line not in composed.parsed:
                composed.parsed[line] = OverridesParser.create().parse_overrides([line])[0]
        # What it has loaded is changed where it is used.
        composed.repositories[key].cache.clear()
        return [composed.parsed[line] for line in overrides], composed.repositories[key]

    return parse_and_find


def _defaults(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_defaults_list(repo: Any, config_name: str | None, overrides_list: Any, **rest: Any) -> Any:
        composed = _sweep.get()
        if composed is None:
            return create(repo=repo, config_name=config_name, overrides_list=overrides_list, **rest)
        of_values = [o for o in overrides_list if isinstance(o.value(), dict) or not repo.group_exists(o.key_or_group)]
        # Hydra's own overrides may name other places to look for files.
        choosing = [o.input_line for o in overrides_list if o not in of_values or o.is_hydra_override()]
        key = config_name, tuple(choosing), tuple(rest.items())
        if key not in composed.defaults:
            composed.defaults[key] = create(repo=repo, config_name=config_name, overrides_list=overrides_list, **rest)
        return replace(composed.defaults[key], config_overrides=of_values)

    return create_defaults_list


def _merge(merge: Callable[..., DictConfig]) -> Callable[..., DictConfig]:
    def compose(self: ConfigLoaderImpl, defaults: list[Any], repo: Any) -> DictConfig:
        composed = _sweep.get()
        if composed is None:
            return merge(self, defaults=defaults, repo=repo)
        if id(defaults) not in composed.merged:
            composed.merged[id(defaults)] = pickle.dumps(merge(self, defaults=defaults, repo=repo))
        config: DictConfig = pickle.loads(composed.merged[id(defaults)])
        return config

    return compose


def _file(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_config(self: FileConfigSource, config_path: str) -> Any:
        name = self._normalize_file_name(config_path)
        try:
            found = os.stat(os.path.join(self.path, name))
        except OSError:
            return load(self, config_path=config_path)
        state = found.st_ino, found.st_size, found.st_mtime_ns
        key, read = (type(self), self.provider, self.path, name, *state), owned(Files).read
        if key not in read:
            read[key] = pickle.dumps(load(self, config_path=config_path))
        return pickle.loads(read[key])

    return load_config
