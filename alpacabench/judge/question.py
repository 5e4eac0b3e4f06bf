"""One judgement to be made."""

from __future__ import annotations

from dataclasses import dataclass

from alpacabench.core.exchange import Message, Messages, chat
from alpacabench.core.records import Pair
from alpacabench.judge.conversation import conversations


@dataclass(frozen=True, slots=True)
class Question:
    """One judgement to be made: two answers to one instruction, in the order shown."""

    key: str
    pair: Pair
    model_first: bool
    repeat: int
    messages: Messages
    """(role, content) in order."""
    judge: str = ""
    """Which judge (of a panel) is asked."""

    def chat(self) -> list[Message]:
        """Return the messages as chat templates and APIs take them."""
        return chat(self.messages)

    @property
    def instruction(self) -> str:
        """The instruction that the judge reads: the original one, unless `judge.instruction=perturbed`.

        Of a dialogue it is the user's turn to which the two answers are.
        """
        return self.pair.instruction

    @property
    def outputs(self) -> tuple[str, str]:
        """The two answers in the order shown."""
        first, second = self.pair.reference, self.pair.output
        return (second, first) if self.model_first else (first, second)

    @property
    def conversations(self) -> tuple[Messages, Messages]:
        """The two whole conversations in the order shown, each (role, content) in order, up to these answers."""
        first, second = conversations(self.pair)
        return (second, first) if self.model_first else (first, second)
