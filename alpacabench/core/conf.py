"""Where YAML options are: the folder conf/ that comes with alpacabench, and one of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

PACKAGE = Path(__file__).resolve().parents[1]


def conf() -> Path:
    """Return the folder of the options that come with alpacabench: in the installed package, in a clone beside it."""
    installed = PACKAGE / "conf"
    return installed if installed.is_dir() else PACKAGE.parent / "conf"


def own_conf() -> Path | None:
    """Return `./conf` of the working directory, whose options stand beside ours; None where it is ours or missing."""
    own = Path("conf").absolute()
    return own if own.is_dir() and not own.samefile(conf()) else None


def options_with_class(group: str) -> Iterator[tuple[str, str]]:
    """Yield name and class of the options of a group that come with alpacabench and name a class of their own."""
    for path in sorted((conf() / group).glob("*.yaml")):
        target = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("_target_")
        if target:
            yield path.stem, str(target)
