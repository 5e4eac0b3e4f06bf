"""What a model's generation config asks for beside the decoding values: the same for a row on every path.

The decoding values that alpacabench names (tokens, temperature, top-k, top-p, beams, repetition penalty) come from the
configuration alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from alpacabench.core.errors import GenerationError
from alpacabench.inference.loaded import Loaded
from alpacabench.inference.prompt import Encoder
from alpacabench.inference.spec import DecodeSpec
from alpacabench.inference.transformers_internals import logits_processors

if TYPE_CHECKING:
    from torch import Tensor

HONOURED = (
    "sequence_bias", "encoder_repetition_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
    "bad_words_ids", "min_length", "min_new_tokens", "forced_bos_token_id", "forced_eos_token_id",
    "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
)  # fmt: skip
"""The settings that change logits; transformers' own processors apply them."""

REFUSED = {"guidance_scale": (None, 1, 1.0), "watermarking_config": (None,)}
"""Settings that no path here can honour, and the values that ask for nothing."""


class Processors:
    """Makes each row's logits processors: they know the length of its prompt alone, never padding."""

    def __init__(self, loaded: Loaded, encoder: Encoder, spec: DecodeSpec) -> None:
        self.model = loaded.model
        self.stop_ids = sorted(encoder.stop_ids)
        self.values = {name: getattr(loaded.settings, name, None) for name in HONOURED}
        self.values["repetition_penalty"] = spec.repetition_penalty
        for name, nothing in REFUSED.items():
            if (given := getattr(loaded.settings, name, None)) not in nothing:
                raise GenerationError(
                    f"{loaded.spec.source}/generation_config.json has {name}={given!r}, which cannot be honoured\n"
                    f"    take {name} out of that file"
                )

    @property
    def needed(self) -> bool:
        """Whether any row's logits are changed at all."""
        return any(value not in self._nothing(name) for name, value in self.values.items())

    @staticmethod
    def _nothing(name: str) -> tuple[Any, ...]:
        """Return the values of a setting that ask for nothing; a token's id may be 0."""
        if name.endswith("token_id"):
            return (None,)
        return (None, 1.0) if name.endswith("penalty") else (None, 0, [])

    def of(self, prompt: Sequence[int], limit: int) -> Any:
        """Return transformers' processors for a row by its prompt's tokens and the most that it may write."""
        from transformers import GenerationConfig

        config = GenerationConfig(**self.values, max_length=len(prompt) + limit, do_sample=False)
        return logits_processors(self.model, config, self.stop_ids, prompt)


class RowWise:
    """A processor of a left-padded batch for `generate`: each row is changed as if it were alone."""

    def __init__(self, lengths: Sequence[int], of_rows: Sequence[Any], beams: int) -> None:
        self.lengths, self.of_rows, self.beams = lengths, of_rows, beams

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the changed scores, [rows x beams, vocabulary]."""
        scores, longest = scores.clone(), max(self.lengths)
        for i in range(len(self.lengths) * self.beams):
            ids = input_ids[i : i + 1, longest - self.lengths[i // self.beams] :]
            scores[i : i + 1] = self.of_rows[i // self.beams](ids, scores[i : i + 1])
        return scores
