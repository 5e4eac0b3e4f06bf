"""Whether what fails is one prompt's own or the server's: it is the prompt's until several different ones agree."""

from __future__ import annotations

import re

from alpacabench.endpoint.wire import RefusedError

START = 3
"""So many different prompts that fail alike before anything was answered stop the run."""
LATER = 5
"""So many that are refused in a row afterwards, as where the credit or the permission has ended meanwhile."""
UNREACHABLE_TRIES = 4
"""While nothing has been answered yet: a wrong URL should be found out soon."""
UNREADABLE_TRIES = 5
"""So many unreadable completions before the first readable one."""

_OWN = re.compile(
    r"moderat|flagged|content.?(?:filter|policy|management)|polic(?:y|ies)\b|safety|inappropriate|harmful|violat"
    r"|context.?(?:length|window|size)|(?:prompt|input|request|messages?) (?:is |are )?too (?:long|large)"
    r"|too many tokens|maximum (?:context|input|prompt)|string_above_max_length|invalid_prompt|reduce the length"
    r"|longer than the",
    re.IGNORECASE,
)
"""What servers say of one prompt: its topic, or its length."""


class Agreement:
    """Counts what failed since the last answer, by different prompts."""

    def __init__(self) -> None:
        self.answered = 0
        self._refused: dict[int, set[str]] = {}
        self._broken: list[str] = []
        self._unreadable: list[str] = []

    def received(self) -> None:
        """Note an answer: the server works."""
        self.answered += 1
        self._refused.clear()

    def refused(self, key: str, error: RefusedError) -> bool:
        """Note a refusal for good; return whether the server refuses everything."""
        if _OWN.search(f"{error.code} {error.message}"):
            return False
        alike = self._refused.setdefault(error.status, set())
        alike.add(key)
        if self.answered:
            return error.status in (402, 403) and len(alike) >= LATER
        return len(alike) >= START

    def broken(self, key: str, reached: bool, tries: int = UNREACHABLE_TRIES) -> bool:
        """Note a request without a usable answer; return whether the server gives none to anyone.

        Args:
            key: of the prompt.
            reached: whether the server was reached: otherwise it is not the prompt's fault.
            tries: so many without any answer are needed.

        """
        if self.answered:
            return False
        self._broken.append(key)
        return len(self._broken) >= tries and (not reached or len(set(self._broken)) >= START)

    def unreadable(self, key: str) -> int:
        """Note a completion that cannot be read; return how many there are where it is all that comes, else 0."""
        self._unreadable.append(key)
        found = len(self._unreadable)
        return found if not self.answered and found >= UNREADABLE_TRIES and len(set(self._unreadable)) >= START else 0
