r"""Rules of one's own: a YAML file of patterns that answers must, or must not, hold.

# policy.yaml
version: 3
rules:
  - name: competitor          # shown in tables and reports
    message: names a competitor
    forbid: ['\bAcme(?: Corp)?\b']      # any of these is a violation (regular expressions, case does not count)
  - name: disclaimer
    message: medical advice without the disclaimer
    when: ['\b(?:dose|dosage|mg)\b']    # only for prompts that match one of these
    require: ['see a doctor']            # one of these must be there
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from alpacabench.checks.base import Check
from alpacabench.core.errors import DataError, Problem
from alpacabench.core.records import Example, Finding

SHIPPED = Path(__file__).parent / "policy.yaml"


class Rule(BaseModel):
    """One rule of a policy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    message: str = ""
    when: tuple[str, ...] = ()
    """Patterns of prompts to which the rule applies; none: to every prompt."""
    forbid: tuple[str, ...] = ()
    require: tuple[str, ...] = ()

    def concerns(self, instruction: str) -> bool:
        """Return whether the rule applies to answers to a prompt."""
        return not self.when or _any(self.when, instruction)

    @field_validator("when", "forbid", "require", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        patterns = [value] if isinstance(value, str) else value
        for pattern in patterns or ():
            try:
                re.compile(str(pattern))
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return tuple(patterns or ())


class Policy(BaseModel):
    """A policy file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int | str = 1
    rules: tuple[Rule, ...]


class PolicyRules(Check):
    """Finds what the rules of a policy file forbid or miss; the text of the file is part of the check's identity."""

    path: str | None = None
    """The policy file; null is the one that ships, which forbids insults, threats and instructions for self-harm."""

    def problems(self) -> Iterator[Problem]:
        """Yield a policy file that cannot be used."""
        try:
            policy = read_policy(self.path)
        except DataError as error:
            yield Problem("checks.policy.path", str(error), "see docs/checks.md for the form of a policy file")
            return
        for rule in policy.rules:
            if not rule.forbid and not rule.require:
                yield Problem("checks.policy.path", f"rule {rule.name!r} neither forbids nor requires", "give it one")

    def identity(self) -> Mapping[str, Any]:
        """Return what the findings depend on beside the answer: the rules, not where they are."""
        return {"rules": read_policy(self.path).model_dump(mode="json")}

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield each forbidden passage, and each rule whose required words are missing."""
        for rule in read_policy(self.path).rules:
            if not rule.concerns(example.instruction):
                continue
            message = rule.message or rule.name
            for pattern in rule.forbid:
                for found in re.finditer(pattern, answer, re.IGNORECASE):
                    yield Finding(rule.name, message, found.start(), found.end())
            if rule.require and not _any(rule.require, answer):
                yield Finding(rule.name, message)


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


@lru_cache(maxsize=8)
def read_policy(path: str | None) -> Policy:
    """Return a policy file's rules.

    Raises:
        DataError: the file cannot be read, or is no policy.

    """
    file = Path(path).expanduser() if path else SHIPPED
    try:
        return Policy.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"cannot read {file}: {str(error).splitlines()[0]}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole file"
        raise DataError(f"{file}: {where}: {first['msg']}") from error
