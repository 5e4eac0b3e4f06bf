"""Everything that reaches into transformers past its documented interface: cache layers, attention, logits processors.

Tried with transformers 5.23.0, the lowest that pyproject.toml allows. No other module may import these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers.cache_utils import Cache, CacheLayerMixin
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["Cache", "CacheLayerMixin", "chosen_attention", "logits_processors", "sdpa_attention_forward", "sdpa_mask"]


def chosen_attention(model: Any) -> str | None:
    """Return the name of the attention that the model computes with."""
    name: str | None = model.config.get_text_config()._attn_implementation
    return name


def logits_processors(model: Any, settings: Any, stop_ids: Sequence[int], prompt: Sequence[int]) -> Any:
    """Return the processors that `generate` would make of a generation config for one prompt alone."""
    import torch

    settings._eos_token_tensor = torch.tensor(stop_ids, device=model.device) if stop_ids else None
    return model._get_logits_processor(
        settings,
        input_ids_seq_length=len(prompt),
        encoder_input_ids=torch.tensor([prompt], device=model.device),
        device=model.device,
    )
