"""Where Hydra looks for options: the user's own folders first, then ours, then those of installed plug-ins.

The user's own are `--config-dir DIR` and `./conf` of the working directory. They add options to groups, and on equal
names theirs win, then ours. Files that lie directly in a folder are not looked at: a `conf/config.yaml` may belong to
another program.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra import initialize_config_dir
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from alpacabench.cli.hydra_compositions import compose_once
from alpacabench.cli.hydra_nodes import check_nodes
from alpacabench.cli.hydra_versions import add_resolvers, initialize_arguments
from alpacabench.cli.program import program
from alpacabench.core.conf import conf, own_conf
from alpacabench.core.trust import plugin_options

FLAGS = ("--config-dir", "-cd")


class OptionsSource(FileConfigSource):  # type: ignore[misc]
    """A folder of groups: only what lies in its folders counts."""

    @staticmethod
    def scheme() -> str:
        """Return what a search path's entry of this kind begins with."""
        return "options"

    def is_config(self, config_path: str) -> bool:
        """Return whether it is an option of a group."""
        return "/" in config_path and bool(super().is_config(config_path))


class OwnOptions(SearchPathPlugin):  # type: ignore[misc]
    """Puts the user's own folders before ours, and those of plug-ins behind."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Insert the folders; the first one that has an option wins."""
        for folder in own_folders():
            search_path.prepend("own", f"{OptionsSource.scheme()}://{folder}", SearchPathQuery(provider="main"))
        for folder in plugin_options():
            search_path.append("plug-in", f"{OptionsSource.scheme()}://{folder}")


def own_folders() -> list[Path]:
    """Return the user's own folders, the last one wins: `./conf`, then `--config-dir`."""
    return [folder for folder in (own_conf(), _given(sys.argv[1:])) if folder]


def options_of(group: str) -> list[str]:
    """Return the options of a group, wherever they come from; empty where there is no such group, or it is Hydra's."""
    name = group.partition("@")[0]
    if not re.fullmatch(r"\w+", name) or name == "hydra":
        return []
    return sorted({path.stem for folder in option_folders() for path in (folder / name).glob("*.yaml")})


def option_folders() -> list[Path]:
    """Return the folders whose folders are groups."""
    return [conf(), *own_folders(), *plugin_options()]


def _given(arguments: list[str]) -> Path | None:
    """Return the directory of `--config-dir`, which Hydra itself would put after ours."""
    for number, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag in FLAGS:
            value = value if equals else "".join(arguments[number + 1 : number + 2])
            return Path(value).absolute() if Path(value).is_dir() else None
    return None


def use_own_options() -> None:
    """Make Hydra look into the user's own folders, in this process and those that it starts."""
    add_resolvers(program)
    check_nodes()
    compose_once()
    for plugin in (OptionsSource, OwnOptions):
        Plugins.instance().register(plugin)


@contextmanager
def composing() -> Iterator[None]:
    """Let `hydra.compose` find all options for as long as the block lasts; inside of a run it does already."""
    if GlobalHydra.instance().is_initialized():
        yield
        return
    use_own_options()
    with initialize_config_dir(str(conf()), **initialize_arguments()):
        yield


def shadowed() -> Iterator[str]:
    """Yield a sentence for every option that another one of the same name stands for."""
    folders = [*reversed(own_folders()), conf(), *plugin_options()]
    for number, folder in enumerate(folders):
        for path in sorted(folder.rglob("*.yaml")):
            name = path.relative_to(folder)
            first = next((f / name for f in folders[:number] if (f / name).is_file()), None)
            if first and len(name.parts) > 1:
                ours = "alpacabench's own" if folder == conf() else f"{folder}'s"
                first_name = "alpacabench's own option" if first.is_relative_to(conf()) else str(first)
                yield f"{first_name} stands for {ours} {name.parent}={name.stem}"
