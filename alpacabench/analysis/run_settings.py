"""What was chosen for a finished run, as its files tell it, and in what two runs differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

OPTION = "option of "
"""Begins the name under which a group's chosen option is listed."""
NOT_CHOSEN = (
    "hydra", "store", "tracking", "plan", "name", "report", "budget", "objective", "fail_fast", "max_failures",
)  # fmt: skip
"""Keys that say where a run is kept and how it is called, not what was asked."""
REFERS = re.compile(r"\$\{([\w.]+)\}")


def settings_of(config: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, str]:
    """Return every key of a run's configuration with its value as text, and each group's option.

    Args:
        config: as it was composed; a value that names another key has that key's.
        choices: option by config group, where Hydra told.

    """
    flat = dict(_leaves("", {key: value for key, value in config.items() if key not in NOT_CHOSEN}))
    options = {f"{OPTION}{group}": str(option) for group, option in choices.items() if group in config and option}
    return options | {key: _value(value, flat) for key, value in flat.items()}


def differing(base: Mapping[str, str], run: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the keys in which two runs differ, with both values; empty where the files of one tell nothing.

    Of a group with another option only the option is named, and the keys that both options have.
    """
    if not base or not run:
        return {}
    told = all(any(key.startswith(OPTION) for key in one) for one in (base, run))
    keys = [key for key in dict.fromkeys((*base, *run)) if base.get(key) != run.get(key)]
    keys = [key for key in keys if told or not key.startswith(OPTION)]
    other = {key.removeprefix(OPTION) for key in keys if key.startswith(OPTION)}
    found = {}
    for key in keys:
        group, _, rest = key.partition(".")
        if rest.endswith("_target_") and group in other or (group in other and (key not in base or key not in run)):
            continue
        found[key.removeprefix(OPTION)] = (base.get(key, ""), run.get(key, ""))
    return found


def words(differences: Mapping[str, tuple[str, str]], side: int, most: int = 3) -> str:
    """Return one side of the differences for a name: 'temperature=0.7, perturbation=typos'."""
    named = [f"{key.rpartition('.')[2]}={values[side] or 'unset'}" for key, values in differences.items()]
    return ", ".join([*named[:most], *([f"{len(named) - most} more"] if len(named) > most else [])])


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}" if key else str(name), inner)
    else:
        yield key, value


def _value(value: Any, flat: Mapping[str, Any]) -> str:
    for _ in range(len(flat)):
        named = REFERS.fullmatch(value) if isinstance(value, str) else None
        if not named or named[1] not in flat:
            break
        value = flat[named[1]]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
