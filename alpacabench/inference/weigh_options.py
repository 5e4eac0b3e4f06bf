"""Weigh a question's options by the log probability of their first token: one forward pass, nothing is written."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from alpacabench.inference.loaded import Loaded, accepted
from alpacabench.inference.loading import out_of_memory
from alpacabench.inference.prompt import Encoded, Encoder, PromptError
from alpacabench.inference.rank_sync import Alone
from alpacabench.inference.spec import Choice, ChoiceAnswer

TOKENS = 8192
"""Padded tokens of one forward pass."""


def weigh(
    loaded: Loaded,
    encoder: Encoder,
    choices: Sequence[Choice],
    lockstep: Alone,
    tokens: int = TOKENS,
    padded: bool = True,
) -> Iterator[ChoiceAnswer]:
    """Yield each question's log probabilities, longest prompts first, batched by length: padded, or of one length.

    Raises:
        torch.OutOfMemoryError: a batch does not fit; with `tokens` 1 the question is answered by a failure instead.

    """
    encoded = []
    for choice in choices:
        try:
            encoded.append((choice, encoder.encode(choice.messages, thinking=False), _first_tokens(encoder, choice)))
        except PromptError as error:
            yield ChoiceAnswer(choice.key, failure=str(error))
    encoded.sort(key=lambda item: (-len(item[1].ids), item[0].key))
    while lockstep.anyone(bool(encoded)):
        if not encoded:
            forward(loaded, encoder.pad, [Encoded([encoder.pad], False)])
            continue
        longest = len(encoded[0][1].ids)
        size = max(1, tokens // longest)
        if not padded:
            size = min(size, sum(len(prompt.ids) == longest for _, prompt, _ in encoded))
        batch, encoded = encoded[:size], encoded[size:]
        started = time.monotonic()
        try:
            logprobs = forward(loaded, encoder.pad, [prompt for _, prompt, _ in batch])
        except Exception as error:
            if tokens > 1 or not out_of_memory(error) or lockstep.joint:
                raise
            yield ChoiceAnswer(batch[0][0].key, failure="out of memory with this question alone")
            continue
        seconds = (time.monotonic() - started) / len(batch)
        for row, (choice, prompt, ids) in zip(logprobs, batch, strict=True):
            yield ChoiceAnswer(choice.key, tuple(row[i].item() for i in ids), len(prompt.ids), seconds)


def forward(loaded: Loaded, pad: int, prompts: Sequence[Encoded]) -> list:  # type: ignore[type-arg]
    """Return the log probabilities of the next token, [vocabulary] per prompt."""
    import torch

    longest = max(len(prompt.ids) for prompt in prompts)
    ids = torch.full((len(prompts), longest), pad)
    seen = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for i, prompt in enumerate(prompts):
        ids[i, longest - len(prompt.ids) :] = torch.tensor(prompt.ids)
        seen[i, longest - len(prompt.ids) :] = True
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
