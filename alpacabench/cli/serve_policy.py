"""What a client of the service may ask for: overrides of shipped options, files below the data folder, known hosts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from alpacabench.cli import hydra_entry as entry
from alpacabench.cli.hydra_options import composing
from alpacabench.core.errors import ConfigError, Problem
from alpacabench.run.experiment import load

KEY = re.compile(r"(?P<mark>\+{0,2}|~)(?P<key>[A-Za-z_]\w*(?:[./][A-Za-z_]\w*)*)(?:=(?P<value>.*))?", re.DOTALL)
OWNERS = ("hydra", "tracking", "store", "plan", "budget.account")
"""Groups and keys that are the server's owner's."""
UNSAFE = ("trust_remote_code", "allow_pickle")
"""Keys that let a model's files run code."""
TEXTS = ("model.system_prompt", "decoding.stop", "name", "model.name", "judge.name", "variant")
"""Keys whose values are never read as a path."""
MOST_JOBS = 500
"""Of one sweep."""
PATH = re.compile(r"(?:^|[\s\[,{:'\"=(])(?:~|/)|(?:^|[^\w])\.\.(?:/|\\|$|[^\w.])|\\")


@dataclass(frozen=True)
class Policy:
    """What the server's owner allows."""

    data: Path
    """The folder in which runs run; the files that they read are below it."""
    options: Mapping[str, Sequence[str]]
    """By group; of a group that is not named every option that is installed."""
    hosts: Sequence[str]
    """To which a `base_url` may point."""
    _composing: threading.Lock = field(default_factory=threading.Lock)

    def check(self, overrides: Sequence[str], multirun: bool) -> None:
        """Refuse what is not allowed, and what the command line would refuse before it reads data.

        Raises:
            AlpacabenchError: in the command line's words.

        """
        if problems := [problem for text in overrides for problem in self._problems(text)]:
            raise ConfigError(problems)
        # Hydra keeps what it composes with in one place of the process.
        with self._composing:
            typed = [one for one in entry.accepted([*(["-m"] if multirun else []), *overrides]) if one != "-m"]
            try:
                self._compose(typed, multirun)
            except (HydraException, OmegaConfBaseException) as error:
                raise entry.our_error(error) or entry.all_mistakes(error, overrides) from None

    def _compose(self, overrides: Sequence[str], multirun: bool) -> None:
        """Build the first job, and look at the options of all of them."""
        with composing():
            jobs = self._jobs(overrides) if multirun else [list(overrides)]
            built: set[tuple[str, ...]] = set()
            for number, job in enumerate(jobs):
                chosen = tuple(text for text in job if "." not in text.partition("=")[0])
                if chosen in built:
                    continue
                built.add(chosen)
                config = compose("config", job, return_hydra_config=True)
                choices = dict(config.hydra.runtime.choices)
                if problems := list(self._refused(choices)):
                    raise ConfigError(problems)
                if number == 0:
                    load(config, choices)

    def _jobs(self, overrides: Sequence[str]) -> list[list[str]]:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        jobs: list[list[str]] = list(BasicSweeper.split_arguments(parsed, None)[0])
        if len(jobs) > MOST_JOBS:
            raise ConfigError([Problem("overrides", f"given {len(jobs)} jobs", f"one sweep may have {MOST_JOBS}")])
        # Each value of an axis is an override of its own.
        if problems := [problem for job in jobs for text in job for problem in self._problems(text)]:
            raise ConfigError(problems)
        return jobs

    def _problems(self, text: str) -> Iterator[Problem]:
        """Yield what makes one override none that a client may give."""
        found = KEY.fullmatch(text)
        if found is None:
            yield Problem(
                "overrides", f"given '{text[:200]}'", "give KEY=VALUE, as to `alpacabench run`; no flags, no @"
            )
            return
        key, value = found["key"], found["value"] or ""
        if any(key == own or key.startswith((f"{own}.", f"{own}/")) for own in OWNERS):
            yield Problem(key, "is the server's", "leave it out: its owner sets it")
        if "_target_" in text or "${" in text:
            yield Problem(key, f"given '{value[:200]}'", "no _target_ and no interpolation is taken from a client")
        if any(word in text for word in UNSAFE):
            yield Problem(key, f"given '{value[:200]}'", "only the server's owner lets a model's files run code")
        if key not in TEXTS:
            yield from self._places(key, value)

    def _places(self, key: str, value: str) -> Iterator[Problem]:
        """Yield files outside the data folder, and hosts that are not allowed."""
        for address in re.findall(r"\w+:/[^\s,'\"\]})]*", value):
            if urlsplit(address).scheme not in ("http", "https") or urlsplit(address).hostname not in self.hosts:
                allowed = ", ".join(self.hosts) or "none"
                yield Problem(
                    key, f"given '{address[:200]}'", f"hosts that this server may ask by an address: {allowed}"
                )
        rest = re.sub(r"https?:/[^\s,'\"\]})]*", "", value)
        if PATH.search(rest):
            yield Problem(key, f"given '{value[:200]}'", "give a path below the server's data folder, without ..")
        for part in re.split(r"[,\[\]'\"{}()]", rest):
            place = self.data / part.strip()
            if part.strip() and not _inside(place, self.data):
                yield Problem(key, f"given '{part[:200]}'", "it leads out of the server's data folder")

    def _refused(self, choices: Mapping[str, object]) -> Iterator[Problem]:
        for group, allowed in self.options.items():
            chosen = choices.get(group)
            names = chosen if isinstance(chosen, list | tuple) else [chosen]
            for name in names:
                if name is not None and str(name) not in allowed:
                    yield Problem(group, f"given '{name}'", f"this server allows: {', '.join(allowed)}")


def _inside(place: Path, data: Path) -> bool:
    try:
        return place.resolve().is_relative_to(data.resolve())
    except (OSError, ValueError):
        return False
