"""A model in memory, what its files say about generation, and how its prompts can be batched."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from alpacabench.inference.spec import ModelSpec

KEPT = ("bos_token_id", "pad_token_id", "decoder_start_token_id", "use_cache", "cache_implementation",
        "length_penalty", "early_stopping")  # fmt: skip
"""What `generate` still reads from the model's generation config; the rest reaches every path through `settings`."""


class Way(IntEnum):
    """How prompts are batched, fastest first."""

    BLOCKS = 0
    """The decode loop, its cache in blocks: on a CPU."""
    COLUMNS = 1
    """The decode loop, its cache in plain columns."""
    PADDED = 2
    """transformers' `generate` on prompts of similar lengths."""
    EQUAL = 3
    """The same on prompts of one length: for models that read padding."""
    SINGLE = 4
    """The same, one prompt at a time."""


@dataclass(slots=True)
class Loaded:
    """A model in memory with its tokenizer."""

    spec: ModelSpec
    model: Any
    tokenizer: Any
    device: Any
    settings: Any = None
    """The generation config as the model's files have it."""
    ways: dict[Way, Way] = field(default_factory=dict)
    """The way that was found good, by the first that could have been."""
    pads_choices: bool | None = None
    shares_prefixes: bool | None = None

    def __post_init__(self) -> None:
        """Leave `generate` only what does not depend on a row: a batch must not change what a setting means."""
        if self.settings is None:
            from transformers import GenerationConfig

            self.settings = self.model.generation_config
            kept = {name: getattr(self.settings, name, None) for name in KEPT}
            self.model.generation_config = GenerationConfig(**kept)

    @property
    def context(self) -> int | None:
        """How many tokens prompt and answer may have together; None where the model names no limit."""
        limit = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return limit if isinstance(limit, int) and limit > 0 else None

    @property
    def words(self) -> int | None:
        """How many tokens the model has an input for; None where its code does not tell."""
        try:
            return int(self.model.get_input_embeddings().weight.shape[0]) or None
        except (AttributeError, NotImplementedError, IndexError):
            return None

    @property
    def eos(self) -> set[int]:
        """The tokens that end an answer, by the generation config."""
        ids = getattr(self.settings, "eos_token_id", None)
        return {token for token in (ids if isinstance(ids, list) else [ids]) if isinstance(token, int)}


def accepted(model: Any, **values: Any) -> dict[str, Any]:
    """Return the arguments that the model's forward pass takes."""
    taken = inspect.signature(model.forward).parameters
    return (
        values if any(p.kind is p.VAR_KEYWORD for p in taken.values()) else {k: values[k] for k in values if k in taken}
    )
