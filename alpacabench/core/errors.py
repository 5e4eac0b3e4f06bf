"""Every error that alpacabench raises on purpose.

AlpacabenchError
├── ConfigError        one or more mistakes in the configuration, reported together
├── DataError          a file whose content cannot be used: names the file and the row
├── StageError         a stage could not finish: what was kept and what to do
│   ├── JudgeError
│   ├── GenerationError
│   └── BudgetExceeded
└── StoreError         the store cannot be opened or written
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, what was given, what is allowed and what to do."""

    where: str
    """Config key (`subset.n`) or `file, row N`."""
    what: str
    """What is wrong, with the value that was given."""
    remedy: str = ""
    """What is allowed and what to do."""

    def __str__(self) -> str:
        """Return the problem on one or two lines."""
        return f"{self.where}: {self.what}" + (f"\n    {self.remedy}" if self.remedy else "")


class AlpacabenchError(Exception):
    """Base of all errors that are shown to the user as a message, never as a traceback."""

    exit_code = 1

    def __str__(self) -> str:
        """Return the message with the notes that the stages added on its way up."""
        return "\n    ".join([super().__str__(), *getattr(self, "__notes__", ())])


class ConfigError(AlpacabenchError):
    """One or more mistakes in the configuration; all are shown together."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems and render them as one message."""
        self.problems = list(problems)
        count = len(self.problems)
        title = "1 problem" if count == 1 else f"{count} problems"
        super().__init__(f"{title} in the configuration:\n" + "\n".join(f"  - {p}" for p in self.problems))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[list[Problem]]]:
        """Pickle by the problems, so that the error survives a launcher's process boundary."""
        return ConfigError, (self.problems,)


class DataError(AlpacabenchError):
    """A data file that cannot be used; the message names the file and the row."""

    exit_code = 2


class StoreError(AlpacabenchError):
    """The store cannot be opened, read or written."""


class StageError(AlpacabenchError):
    """A stage could not finish; what it had is kept in the store."""


class JudgeError(StageError):
    """Judging stopped or too many verdicts are missing."""


class GenerationError(StageError):
    """Generation stopped or answers are missing."""


class BudgetExceeded(StageError):
    """The next request could break `budget.usd`; everything paid for is kept."""


def allowed(given: object, choices: Sequence[str]) -> str:
    """Return 'allowed: a, b, c', led by a suggestion where one choice is close to what was given."""
    in_lower_case = {choice.lower(): choice for choice in choices}
    close = get_close_matches(str(given).lower(), in_lower_case, n=1)
    return (f"did you mean '{in_lower_case[close[0]]}'? " if close else "") + "allowed: " + ", ".join(choices)


def problems_of(error: AlpacabenchError) -> list[Problem]:
    """Return an error's problems; of another error than ConfigError the message as one."""
    if isinstance(error, ConfigError):
        return error.problems
    where, _, what = str(error).partition(": ")
    what, _, remedy = what.partition("\n")
    return [Problem(where, what, remedy.strip())]
