"""Everything that reaches into transformers past its documented interface: cache layers and the SDPA attention.

Tried with transformers 5.23.0, the lowest that pyproject.toml allows. No other module may import these.
"""

from __future__ import annotations

from typing import Any

from transformers.cache_utils import Cache, CacheLayerMixin
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["Cache", "CacheLayerMixin", "chosen_attention", "sdpa_attention_forward", "sdpa_mask"]


def chosen_attention(model: Any) -> str | None:
    """Return the name of the attention that the model computes with."""
    name: str | None = model.config.get_text_config()._attn_implementation
    return name
