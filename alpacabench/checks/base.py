"""The contract of the checks group: a check reads one answer and says what in it breaks a rule."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from alpacabench.core.component import Component
from alpacabench.core.records import Example


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where an answer breaks a rule."""

    rule: str
    """The rule's short name, such as `email` or `max_words`."""
    message: str
    """What is wrong, without the text that must not be shown."""
    start: int | None = None
    end: int | None = None
    """The span in the answer, in characters; None where the whole answer is meant."""


class Check(Component):
    """Base of all checks: deterministic, offline, one answer at a time.

    The smallest check is one method::

        class NoApology(Check):
            def check(self, example, answer):
                if "sorry" in answer.lower():
                    yield Finding("apology", "the answer apologises")
    """

    group: ClassVar[str] = "checks"
    version: ClassVar[int] = 1
    """Raised when the rules change, so that an answer is checked again."""
    masked: ClassVar[bool] = False
    """Whether what is found must not be shown: reports and tracking mask its spans."""

    def limits(self, example: Example, name: str) -> Mapping[str, Any]:
        """Return what the row's field `checks` asks of this check, by the option's name."""
        return example.checks.get(name) or {}

    def applies(self, example: Example) -> bool:
        """Return whether the check has anything to look for in answers to this prompt."""
        return True

    @abstractmethod
    def check(self, example: Example, answer: str) -> Iterable[Finding]:
        """Yield every finding in an answer; none where it is clean."""
