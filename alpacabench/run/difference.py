"""What is special about a job: its keys whose values are not the defaults, for parameters and for its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from alpacabench.core.conf import conf, own_conf
from alpacabench.core.trust import plugin_options
from alpacabench.decoding import Decoding
from alpacabench.run.experiment import GROUPS, Experiment

NOT_A_DIFFERENCE = ("name", "plan", "schedule", "store", "tracking", "variant")
"""Keys of the configuration that are no parameters of their own: places, labels, and what is logged in another way."""
SAID_BY_LABEL = ("model.path", "model.name", "judge.name")
"""Keys that the names of the model and of the judge's option say already."""
NAMED = 4
"""How many differences a name holds."""
FIRST, LAST = ("decoding", "model", "perturbation", "judge"), ("dataset", "subset")
"""Groups whose keys a name begins and ends with: a narrow column shows its beginning, and runs share a subset."""
WORDS = 24
"""Characters of a value in a name."""
DECODING = frozenset(Decoding.model_fields) - {"n", "seed"}
"""Keys that are clear without their group."""


def from_defaults(experiment: Experiment) -> dict[str, str]:
    """Return every key whose value is another one than in a run without any override, by its dotted name.

    Two jobs that differ in a key differ in what this returns: the defaults are the same for every job.
    """
    return _changed(experiment, defaults({}))


def words(experiment: Experiment) -> list[str]:
    """Return what a name says of a job besides its options: 'temperature 0.7', 'subset n 80'.

    A value counts where it is not the chosen option's own.
    """
    changed = _changed(experiment, defaults(experiment.choices) | _of_checks(experiment.checks))
    seed = changed.get("seed")
    kept = {
        key: value
        for key, value in changed.items()
        if key not in SAID_BY_LABEL and not (key.endswith(".seed") and value == seed)
    }
    found = [_words(key, kept[key]) for key in sorted(kept, key=_place)]
    found += [f"checks {' '.join(experiment.checks)}"] if experiment.checks else []
    return found if len(found) <= NAMED else [*found[: NAMED - 1], f"{len(found) - NAMED + 1} more"]


def other_options(experiment: Experiment) -> list[str]:
    """Return the chosen data set, subset and judge where they are not the default ones."""
    usual = _usual()
    groups = ("judge", "dataset", "subset")
    chosen = ((group, experiment.choices.get(group)) for group in groups)
    return [option for group, option in chosen if option and option != usual.get(group)]


def defaults(choices: Mapping[str, str]) -> dict[str, str]:
    """Return the value of every key, by its dotted name, under these options and without any other override.

    Args:
        choices: option by group; a group that is left out has its default.

    """
    options = _usual() | {group: option for group, option in choices.items() if group in GROUPS and option}
    return dict(_composed(tuple(sorted(options.items())), tuple(_folders())))


@lru_cache(maxsize=256)
def _composed(options: tuple[tuple[str, str], ...], folders: tuple[Path, ...]) -> Mapping[str, str]:
    top = OmegaConf.load(conf() / "config.yaml")
    assert isinstance(top, DictConfig)
    for key in ("defaults", "hydra"):
        top.pop(key)
    whole = OmegaConf.merge(top, {group: _option(group, name, folders) for group, name in options})
    assert isinstance(whole, DictConfig)
    return _leaves("", {str(key): _resolved(whole, str(key)) for key in whole})


def _resolved(whole: DictConfig, key: str) -> Any:
    """Return a key's value; what only this machine can resolve differs from everything."""
    try:
        node = whole[key]
        return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
    except OmegaConfBaseException:
        return {}


def _option(group: str, name: str, folders: tuple[Path, ...]) -> DictConfig:
    """Return an option's file with those that its `defaults` name; empty where there is none."""
    path = next((path for folder in folders if (path := folder / group / f"{name}.yaml").is_file()), None)
    if path is None:
        return OmegaConf.create({})
    own = OmegaConf.load(path)
    assert isinstance(own, DictConfig)
    merged = OmegaConf.create({})
    for entry in own.pop("defaults", None) or ["_self_"]:
        if not isinstance(entry, str):
            continue  # another group's option, at a place of its own
        if entry == "_self_":
            part = own
        else:
            absolute, _, option = entry.partition("@")[0].removeprefix("/").rpartition("/")
            part = _option(absolute or group, option, folders)
        found = OmegaConf.merge(merged, part)
        assert isinstance(found, DictConfig)
        merged = found
    return merged


def _of_checks(names: Iterable[str]) -> dict[str, str]:
    """Return the values that the options of chosen checks have of themselves, by their dotted names."""
    options = {name: _option("checks", name, tuple(_folders())) for name in names}
    whole = OmegaConf.create({"checks": options})
    return _leaves("checks", {name: _resolved(whole.checks, name) for name in options})


def _folders() -> list[Path]:
    return [*filter(None, [own_conf()]), conf(), *plugin_options()]


@lru_cache(maxsize=1)
def _usual() -> dict[str, str]:
    """Return the default option of each group."""
    top = OmegaConf.to_container(OmegaConf.load(conf() / "config.yaml"))
    assert isinstance(top, dict)
    listed = [entry for entry in top["defaults"] if isinstance(entry, dict)]
    return {group: str(option) for entry in listed for group, option in entry.items() if group in GROUPS}


def _changed(experiment: Experiment, usual: Mapping[str, str]) -> dict[str, str]:
    asked = {key: value for key, value in experiment.resolved.items() if key not in NOT_A_DIFFERENCE}
    return {
        key: value
        for key, value in _leaves("", asked).items()
        if usual.get(key, "None") != value and key.rpartition(".")[2] != "_target_"
    }


def _leaves(key: str, value: Any) -> dict[str, str]:
    """Return values by their dotted keys, as text; a list is one value."""
    if isinstance(value, Mapping):
        return {k: v for name, item in value.items() for k, v in _leaves(f"{key}.{name}".lstrip("."), item).items()}
    return {key: str(value)}


def _place(key: str) -> int:
    group = key.partition(".")[0]
    if group in FIRST:
        return FIRST.index(group)
    return len(FIRST) + (group in LAST)


def _words(key: str, value: str) -> str:
    group, _, stem = key.rpartition(".")
    named = stem if stem in DECODING or not group else key.replace(".", " ")
    # Of an address the host, of a path the last part; of a text the beginning.
    host = value.partition("://")[2].partition("/")[0]
    brief = host or PurePath(value).name if "/" in value and " " not in value else value
    shown = " ".join(brief.split())
    return f"{named} {shown if len(shown) <= WORDS else shown[: WORDS - 1] + '…'}"
