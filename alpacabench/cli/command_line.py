"""A command as it was typed: flags may stand anywhere, and what is neither flag nor override is told what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from alpacabench.cli.hydra_keys import in_full
from alpacabench.cli.hydra_options import options_of
from alpacabench.cli.program import program
from alpacabench.core.errors import Problem

MULTIRUN = ("-m", "--multirun", "hydra.mode=MULTIRUN")
VERSION = "--version"
ENVIRONMENT = ("api_key", "api-key", "key", "token")


def read(arguments: Sequence[str]) -> tuple[list[str], list[str], list[Problem]]:
    """Return the flags with their values, the overrides, and what is neither.

    argparse takes overrides in one piece only: `a=1 -m b=2` would be refused.
    """
    flags, overrides, problems, left = list[str](), list[str](), list[Problem](), list(arguments)
    while left:
        word = left.pop(0)
        if word.startswith("-"):
            takes = _flags().get(word.partition("=")[0])
            if takes is None:
                value = left.pop(0) if left and "=" not in word + left[0] and not left[0].startswith("-") else ""
                problems.append(_unknown_flag(word, value))
            else:
                flags.append(word)
                flags += [left.pop(0)] if takes and "=" not in word and left else []
        elif word.lstrip("~") == "=" or (overrides and overrides[-1].endswith("=") and "=" not in word):
            problems.append(_spaces(overrides, problems, word, left))
        elif "=" in word or word.startswith("~"):
            overrides.append(word)
        else:
            problems.append(_no_override(word, overrides, left))
    return flags, overrides, [problem for problem in problems if problem.where]


@cache
def _flags() -> dict[str, bool]:
    """Return Hydra's flags, and whether each takes a value."""
    from hydra._internal.utils import get_args_parser

    return {
        name: action.nargs is None
        for action in get_args_parser()._actions
        for name in action.option_strings
        if name != VERSION
    } | {VERSION: False}


def _unknown_flag(word: str, value: str) -> Problem:
    name, _, given = word.lstrip("-").partition("=")
    value = given or value
    what = f"given {value!r}, but there is no such flag" if value else "there is no such flag"
    if name.lower() in ENVIRONMENT:
        return Problem(word.partition("=")[0], "keys are read from the environment", "export OPENAI_API_KEY=...")
    meant = [f"{key}={value or '...'}" for key in in_full(name)]
    if options_of(name.replace("-", "_")) and value in options_of(name.replace("-", "_")):
        meant = [f"{name}={value}"]
    if name in ("dry-run", "dry_run", "plan"):
        meant = ["plan=true"]
    remedy = f"keys are set without dashes: {' or '.join(meant) if meant else 'key=value'}"
    return Problem(word.partition("=")[0], what, f"{remedy}; `{program()} --help` lists flags and keys")


def _spaces(overrides: list[str], problems: list[Problem], word: str, left: list[str]) -> Problem:
    """Return what `key = value` and `key= value` are told."""
    value = word
    if word == "=":
        key = problems.pop().where if problems else ""
        value = left.pop(0) if left else ""
    else:
        key = overrides.pop()[:-1]
    return Problem(key or "=", "a space stands beside the equals sign", f"write it without: {key}={value}")


def _no_override(word: str, before: Sequence[str], left: Sequence[str]) -> Problem:
    what = "is no override, which is KEY=VALUE"
    if left and left[0] == "=":
        return Problem(word, what)
    key, colon, value = word.partition(":")
    if colon and value and (options_of(key) or "." in key):
        return Problem(word, what, f"with an equals sign: {key}={value}")
    if before and _another_value(before[-1], word):
        return Problem(word, what, f"several values are joined by commas: -m {before[-1]},{word}")
    groups = [group for group in _groups() if word in options_of(group)]
    meant = [f"{group}={word}" for group in groups] + [f"{key}=..." for key in in_full(word.rpartition(".")[2], word)]
    quoted = "where it belongs to the value before, the whole stands in quotes: 'name=my run'"
    known = {"plan": "plan=true", "sweep": "-m", "multirun": "-m", "help": "--help", "version": "--version"}.get(word)
    remedy = f"did you mean {' or '.join([known] if known else meant[:3])}?" if known or meant else quoted
    return Problem(word, what, remedy)


def _another_value(override: str, word: str) -> bool:
    """Return whether a word may be one more value of the override before it: a number, or an option of its group."""
    key, _, value = override.partition("=")
    return word in options_of(key) or all(re.fullmatch(r"-?[\d.]+(e-?\d+)?", one) for one in (value, word))


def _groups() -> Iterator[str]:
    from alpacabench.run.experiment import GROUPS

    yield from (*GROUPS, "experiment", "variant", "checks", "tools")
