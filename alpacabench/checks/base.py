"""The contract of the checks group: a check reads one answer and says what in it breaks a rule."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from alpacabench.core.component import Component
from alpacabench.core.records import Example, Finding, digest
from alpacabench.core.source import foreign_source
from alpacabench.cost.expected import Expected
from alpacabench.store.ask_once import Reply


class Question(NamedTuple):
    """One check of one answer."""

    key: str
    check: Check
    example: Example
    answer: str


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

    def ask(self, questions: list[Question]) -> Iterable[Reply] | None:
        """Return the replies of a check that asks a model about many answers; None where it has `check` alone."""
        return None

    def expected(self, example: Example, answer: str, unwritten: float = 0.0) -> Expected | None:
        """Return what one answer's check is expected to take; None where no model is asked."""
        return None

    def paid_models(self) -> list[tuple[str, str]]:
        """Return the key and the name of each model whose requests have a price."""
        return []

    def units(self) -> Mapping[str, str]:
        """Return the names of figures of the check's own, each with its unit, beside the rates that every check has."""
        return {}

    def figures(self, passed: Sequence[tuple[int, int]]) -> Mapping[str, float]:
        """Return those figures, from how many of each prompt's checked samples are clean, and how many there are."""
        return {}

    def identity(self) -> Mapping[str, Any]:
        """Return what the findings depend on beside the row and the answer: by default the check's own keys."""
        return self.model_dump(mode="json")

    def key(self, example: Example, name: str, answer: str) -> str:
        """Return the store's key of one answer's check; edited code of one's own check never meets old findings."""
        return digest(
            {
                "check": f"{type(self).__module__}.{type(self).__qualname__}",
                "version": self.version,
                "source": foreign_source(type(self)),
                "identity": self.identity(),
                "limits": self.limits(example, name),
                "instruction": example.instruction,
                "reference": example.reference,
                "answer": answer,
            }
        )
