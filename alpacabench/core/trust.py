"""Whose classes a configuration may name with `_target_`: ours, and those of packages that somebody here chose.

A YAML file or a command may come from anybody, and importing a module runs it. So a name is looked at before anything
is imported: it must stand below `alpacabench`, below a package that ALPACABENCH_TRUSTED names, or below an installed
plug-in, which is a package that an entry point of the group `alpacabench.plugins` names (`mine = "mine"`).
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

VARIABLE = "ALPACABENCH_TRUSTED"
ENTRY_POINTS = "alpacabench.plugins"
OURS = "alpacabench"


@cache
def plugins() -> tuple[str, ...]:
    """Return the packages of the installed plug-ins, sorted; nothing of them is imported."""
    return tuple(sorted({point.module for point in entry_points(group=ENTRY_POINTS)}))


def plugin_options() -> list[Path]:
    """Return the folder `conf/` of each installed plug-in that has one; nothing of them is imported."""
    folders = []
    for package in plugins():
        try:
            # The top package alone: to look for one below it would import it.
            spec = find_spec(package.partition(".")[0])
        except (ImportError, ValueError):
            continue
        for place in (spec.submodule_search_locations or ()) if spec else ():
            folders.append(Path(place, *package.split(".")[1:], "conf"))
    return [folder for folder in folders if folder.is_dir()]


def trusted_packages() -> tuple[str, ...]:
    """Return the packages whose classes may be named, ours first."""
    named = re.split(r"[,:\s]+", os.environ.get(VARIABLE, ""))
    return tuple(dict.fromkeys([OURS, *plugins(), *filter(None, named)]))


def is_trusted(target: str) -> bool:
    """Return whether a dotted path stands below a trusted package.

    Parts with two underscores are nobody's class: `package.__main__` would run the package.
    """
    parts = target.split(".")
    if not all(part.isidentifier() and not part.startswith("__") for part in parts):
        return False
    return target.startswith(f"{OURS}.") or any(target.startswith(f"{name}.") for name in trusted_packages())


def remedy(target: str) -> str:
    """Return what to do about a path that is not trusted."""
    package = target.partition(".")[0]
    return (
        f"classes come from alpacabench, from an installed plug-in, or from a package that you trust: "
        f"export {VARIABLE}={package if package.isidentifier() else 'PACKAGE'}"
    )
