"""Weigh a question's options by the log probability of their first token: one forward pass, nothing is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alpacabench.core import progress
from alpacabench.inference.left_padding import left_padded
from alpacabench.inference.loaded import Loaded, accepted
from alpacabench.inference.loading import out_of_memory
from alpacabench.inference.prefix_tree import parts
from alpacabench.inference.prompt import Encoded, Encoder, PromptError
from alpacabench.inference.rank_sync import Alone
from alpacabench.inference.shared_reading import read_shared
from alpacabench.inference.spec import Choice, ChoiceAnswer

TOKENS = 8192
"""Padded tokens of one forward pass."""


class Asked(NamedTuple):
    """A question as the model reads it."""

    choice: Choice
    prompt: Encoded
    options: list[int]
    """The tokens with which the options begin."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """How questions are batched: by what the model was found to compute rightly."""

    tokens: int = TOKENS
    """Padded tokens of one forward pass."""
    padded: bool = True
    """Whether prompts of different lengths may be in one pass."""
    shared: bool = False
    """Whether what prompts share is read once."""


def weigh(
    loaded: Loaded, encoder: Encoder, choices: Sequence[Choice], lockstep: Alone, weighing: Weighing
) -> Iterator[ChoiceAnswer]:
    """Yield each question's log probabilities, batch by batch.

    Raises:
        torch.OutOfMemoryError: a batch does not fit; with `tokens` 1 the question is answered by a failure instead.

    """
    asked = []
    for choice in choices:
        try:
            asked.append(Asked(choice, encoder.encode(choice.messages, thinking=False), _first_tokens(encoder, choice)))
        except PromptError as error:
            yield ChoiceAnswer(choice.key, failure=str(error))
    batches = _batches(asked, weighing)
    while lockstep.anyone(bool(batches)):
        if not batches:
            forward(loaded, encoder.pad, [Encoded([encoder.pad], False)])
            continue
        batch = batches.pop(0)

        def read(share: float, units: int = len(batch)) -> None:
            progress.in_flight(share * units)

        prompts = [one.prompt for one in batch]
        started = time.monotonic()
        progress.in_flight(0.0)
        try:
            logprobs = (
                read_shared(loaded, encoder.pad, [prompt.ids for prompt in prompts], weighing.tokens, read)
                if weighing.shared
                else forward(loaded, encoder.pad, prompts)
            )
        except Exception as error:
            if weighing.tokens > 1 or not out_of_memory(error) or lockstep.joint:
                raise
            yield ChoiceAnswer(batch[0].choice.key, failure="out of memory with this question alone")
            continue
        seconds = (time.monotonic() - started) / len(batch)
        read(1.0)
        for row, one in zip(logprobs, batch, strict=True):
            weights = tuple(row[i].item() for i in one.options)
            yield ChoiceAnswer(one.choice.key, weights, len(one.prompt.ids), seconds, last=one is batch[-1])


def _batches(asked: list[Asked], weighing: Weighing) -> list[list[Asked]]:
    """Part the questions: those that share most together, or longest first, padded or of one length."""
    asked = sorted(asked, key=lambda one: (-len(one.prompt.ids), one.choice.key))
    if weighing.shared:
        return [[asked[i] for i in part] for part in parts([one.prompt.ids for one in asked], weighing.tokens)]
    found: list[list[Asked]] = []
    while asked:
        longest = len(asked[0].prompt.ids)
        size = max(1, weighing.tokens // longest)
        if not weighing.padded:
            size = min(size, sum(len(one.prompt.ids) == longest for one in asked))
        found.append(asked[:size])
        del asked[:size]
    return found


def forward(loaded: Loaded, pad: int, prompts: Sequence[Encoded]) -> list:  # type: ignore[type-arg]
    """Return the log probabilities of the next token, [vocabulary] per prompt."""
    import torch

    ids, seen = left_padded([prompt.ids for prompt in prompts], pad)
    with torch.inference_mode():
        logits = loaded.model(
            input_ids=ids.to(loaded.device),
            **accepted(
                loaded.model,
                attention_mask=seen.to(loaded.device),
                position_ids=(seen.cumsum(-1) - 1).clamp(min=0).to(loaded.device),
                use_cache=False,
                logits_to_keep=1,
            ),
        ).logits[:, -1]
    return list(logits.float().log_softmax(-1).cpu())


def _first_tokens(encoder: Encoder, choice: Choice) -> list[int]:
    ids = [encoder.tokenizer(option, add_special_tokens=False)["input_ids"][0] for option in choice.options]
    if len(set(ids)) < len(ids):
        raise PromptError(f"the options {', '.join(choice.options)} begin with the same token")
    return ids
