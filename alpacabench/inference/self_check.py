"""How a model's prompts can be batched, found by trying: what a batch computes is compared with each prompt alone.

Some models read padding (recurrent layers, kinds that ignore masks), some keep a state of their own beside keys and
values, some do not take positions. No list of names stays true, so three short prompts are continued by a few tokens,
alone through transformers' `generate`, then in each way, fastest first; the first way that agrees is taken.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from alpacabench.core.errors import GenerationError
from alpacabench.inference.config_facts import stretched_from
from alpacabench.inference.cpu.blocks import attend_plainly, can_use_blocks
from alpacabench.inference.decode import DecodeLoop, Manner, Row, Work
from alpacabench.inference.left_padding import left_padded
from alpacabench.inference.loaded import Loaded, Way
from alpacabench.inference.loading import out_of_memory
from alpacabench.inference.prefix_tree import LEAST
from alpacabench.inference.prompt import Encoded, Encoder
from alpacabench.inference.rank_sync import Alone
from alpacabench.inference.settings import Processors
from alpacabench.inference.shared_reading import read_shared
from alpacabench.inference.spec import DecodeSpec, Task
from alpacabench.inference.transformers_internals import chosen_attention
from alpacabench.inference.weigh_options import TOKENS, forward

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

STEPS = 3
"""Tokens that each prompt is continued by."""

LENGTHS = (11, 9, 5)
"""Tokens of the prompts: the first two are read together with padding, the third joins them later."""

TEXTS = (
    "The quick brown fox jumps over the lazy dog, and nobody asks why it does so.",
    "A list of three things that one should take to the sea: a towel, a book, water.",
    "Why is the sky blue in the day and red when the sun goes down in the evening?",
)

TOLERANCE = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.15}
"""The largest difference of two logits that counts as rounding, in standard deviations of a row's logits."""

NOISE = 4
"""In reduced precision a difference may be this many times what a batch without padding shows."""

Steps = list[list["Tensor"]]
"""[row][step]: logits, [vocabulary]."""


def way_of(loaded: Loaded, encoder: Encoder, beams: bool, lockstep: Alone) -> Way:
    """Return the fastest way to batch prompts that computes what each prompt alone does; measured once per model.

    Raises:
        GenerationError: transformers cannot continue even one prompt alone.
        torch.OutOfMemoryError: memory does not hold three short prompts.

    """
    first = Way.PADDED if beams else Way.BLOCKS if can_use_blocks(loaded.model) else Way.COLUMNS
    if first not in loaded.ways:
        import torch

        with torch.inference_mode():
            loaded.ways[first] = _measure(loaded, encoder, first, lockstep)
    return loaded.ways[first]


def pads_for_choices(loaded: Loaded, encoder: Encoder, lockstep: Alone) -> bool:
    """Return whether questions of different lengths may be weighed in one padded pass; measured once per model.

    Raises:
        torch.OutOfMemoryError: memory does not hold three short prompts.

    """
    if loaded.pads_choices is None:
        prompts = [Encoded(ids, False) for ids in _prompts(encoder)]
        alone = [[forward(loaded, encoder.pad, [prompt])[0]] for prompt in prompts]
        together = [[row] for row in forward(loaded, encoder.pad, prompts)]
        good = deviation(alone, together) <= TOLERANCE.get(loaded.spec.dtype, TOLERANCE["bfloat16"])
        loaded.pads_choices = not _any_rank(loaded, lockstep, not good)
    return loaded.pads_choices


def shares_prefixes(loaded: Loaded, encoder: Encoder, lockstep: Alone) -> bool:
    """Return whether what questions share may be read once, and serve all of them; measured once per model.

    Not where ranks take joint passes, of which they would need different numbers, and not where the rotary embedding of
    a prompt's beginning follows its length.

    Raises:
        torch.OutOfMemoryError: memory does not hold three short prompts.

    """
    if loaded.shares_prefixes is None:
        text = loaded.model.config.get_text_config()
        beginning = (sum(_prompts(encoder), []) * LEAST)[:LEAST]
        prompts = [beginning + ids for ids in _prompts(encoder)]
        fits = loaded.context is None or loaded.context >= LEAST + max(LENGTHS)
        possible = fits and not lockstep.joint and stretched_from(text) >= (loaded.context or 0)
        loaded.shares_prefixes = possible and _shares(loaded, encoder, prompts)
    return loaded.shares_prefixes


def _shares(loaded: Loaded, encoder: Encoder, prompts: Sequence[list[int]]) -> bool:
    alone = [[forward(loaded, encoder.pad, [Encoded(ids, False)])[0]] for ids in prompts]
    worst = _distance(alone, lambda: [[row] for row in read_shared(loaded, encoder.pad, prompts, TOKENS)])
    log.debug("reading a common beginning once: logits differ by %.2g standard deviations", worst)
    return worst <= TOLERANCE.get(loaded.spec.dtype, TOLERANCE["bfloat16"])


def deviation(alone: Steps, other: Steps) -> float:
    """Return the largest difference of logits in standard deviations of the row alone, until the texts part."""
    import torch

    worst = 0.0
    for expected, found in zip(alone, other, strict=True):
        for left, right in zip(expected, found, strict=True):
            left, right = left.float().cpu(), right.float().cpu()
            if left.shape != right.shape:
                return float("inf")
            same = (left == right) | (left.isnan() & right.isnan())
            difference = torch.where(same, 0.0, (left - right).abs()).max()
            scale = left[left.isfinite()].std() if left.isfinite().any() else torch.ones(())
            worst = max(worst, (difference / scale.clamp(min=1e-9)).nan_to_num(torch.inf).item())
            if left.argmax() != right.argmax():
                break
    return worst


def _measure(loaded: Loaded, encoder: Encoder, first: Way, lockstep: Alone) -> Way:
    prompts, plain = _prompts(encoder), chosen_attention(loaded.model)
    if loaded.context is not None and loaded.context < max(LENGTHS) + STEPS:
        return Way.SINGLE
    try:
        alone = [_generated(loaded, encoder, [ids])[0] for ids in prompts]
    except Exception as error:
        if out_of_memory(error):
            raise
        kind = loaded.model.config.model_type
        raise GenerationError(
            f"transformers cannot continue a text with this model ({kind}): {type(error).__name__}: {error}\n"
            "    choose a causal model that `generate` works with"
        ) from error
    equal: dict[Way, Callable[[], Steps]] = {
        Way.EQUAL: lambda: [_generated(loaded, encoder, [ids, ids[::-1]])[0] for ids in prompts],
        Way.PADDED: lambda: _generated(loaded, encoder, prompts),
        Way.COLUMNS: lambda: _looped(loaded, encoder, prompts, Way.COLUMNS, lockstep),
        Way.BLOCKS: lambda: _looped(loaded, encoder, prompts, Way.BLOCKS, lockstep),
    }
    allowed = TOLERANCE.get(loaded.spec.dtype, TOLERANCE["bfloat16"])
    if loaded.spec.dtype != "float32" or loaded.spec.quantization:
        allowed = max(allowed, NOISE * min(_distance(alone, equal[Way.EQUAL]), 1.0))
    for way in (way for way in Way if first <= way < Way.SINGLE):
        worst = _distance(alone, equal[way])
        log.debug("batching as %s: logits differ by %.2g standard deviations", way.name, worst)
        if not _any_rank(loaded, lockstep, worst > allowed):
            return way
        attend_plainly(loaded.model, plain)
    return Way.SINGLE


def _distance(alone: Steps, attempt: Callable[[], Steps]) -> float:
    """Return how far an attempt is from each prompt alone: infinitely, where it fails."""
    try:
        return deviation(alone, attempt())
    except Exception as error:  # whatever a model's code raises on a way that is not its own
        if out_of_memory(error):
            raise
        log.debug("this way of batching fails: %s: %s", type(error).__name__, error)
        return float("inf")


def _any_rank(loaded: Loaded, lockstep: Alone, bad: bool) -> bool:
    """Return what all ranks go on with: a way that one of them cannot go is nobody's."""
    import torch

    flag = torch.tensor([int(lockstep.anyone(bad))], device=loaded.device)
    return bool(lockstep.agree(flag).item())


def _prompts(encoder: Encoder) -> list[list[int]]:
    """Return the token ids of three prompts of different lengths."""
    prompts = []
    for text, length in zip(TEXTS, LENGTHS, strict=True):
        ids = encoder.tokenizer(text)["input_ids"] or [encoder.pad]
        prompts.append((ids * length)[:length])
    return prompts


def _generated(loaded: Loaded, encoder: Encoder, prompts: Sequence[Sequence[int]]) -> Steps:
    """Return the logits of transformers' `generate` on a left-padded batch."""
    ids, seen = (part.to(loaded.device) for part in left_padded(prompts, encoder.pad))
    output = loaded.model.generate(
        input_ids=ids, attention_mask=seen.long(), max_new_tokens=STEPS, do_sample=False, pad_token_id=encoder.pad,
        output_logits=True, return_dict_in_generate=True,
    )  # fmt: skip
    return [[step[row] for step in output.logits] for row in range(len(prompts))]


class _Watched(DecodeLoop):
    """A decode loop that keeps the logits of every row and step."""

    def __init__(self, work: Work) -> None:
        self.logits: dict[str, list[Tensor]] = {}
        super().__init__(work)

    def _adjusted(self, logits: Tensor, rows: list[Row]) -> Tensor:
        for row, of_row in zip(rows, logits, strict=True):
            self.logits.setdefault(row.task.key, []).append(of_row.clone())
        return logits


def _looped(loaded: Loaded, encoder: Encoder, prompts: Sequence[Sequence[int]], way: Way, lockstep: Alone) -> Steps:
    """Return the logits of the decode loop."""
    endless = copy.copy(encoder)
    endless.stop_ids, endless.stops, endless.spelled = set(), (), ()
    spec = DecodeSpec(STEPS)
    manner = Manner(spec, endless, Processors(loaded, endless, spec))
    rows = [Row(Task(f"{i:016x}", ()), Encoded(list(p), False), STEPS, manner) for i, p in enumerate(prompts)]
    loop = _Watched(Work(loaded, rows, len(rows), lockstep, way, encoder.pad))
    loop.stepped = lambda units: None
    for _ in loop.run():
        pass
    return [loop.logits[row.task.key] for row in rows]
