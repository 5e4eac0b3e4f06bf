"""What a judge reads of a dialogue: both conversations whole, one after the other, in its ordinary prompt."""

from __future__ import annotations

from alpacabench.core.exchange import Messages, transcript
from alpacabench.core.records import Pair

ASKED = (
    "Each of the two outputs is a whole conversation of a user with an assistant, up to the same last message of the "
    "user. Compare what the assistants say in them, and above all their answers to that last message:\n\n{turn}"
)
"""What stands for the instruction in the judge's prompt."""


def conversations(pair: Pair) -> tuple[Messages, Messages]:
    """Return the reference's and the model's conversation, each whole, up to the answers that are compared."""
    asked = ("user", pair.instruction)
    return (
        (*pair.reference_before, asked, ("assistant", pair.reference)),
        (*pair.output_before, asked, ("assistant", pair.output)),
    )


def texts(pair: Pair) -> tuple[str, str, str]:
    """Return what a judge prompt has for the instruction, the reference's and the model's output.

    Where nothing stands before the instruction these are the three as they are.
    """
    if not (pair.reference_before or pair.output_before):
        return pair.instruction, pair.reference, pair.output
    reference, output = map(transcript, conversations(pair))
    return ASKED.replace("{turn}", pair.instruction), reference, output
