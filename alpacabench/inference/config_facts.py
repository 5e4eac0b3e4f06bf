"""What a model's configuration says that bears on batches; configurations of some hundred kinds agree on little."""

from __future__ import annotations

from typing import Any

STRETCHED = ("dynamic", "longrope")
"""Rotary embeddings whose frequencies follow the longest row of a batch (transformers' `dynamic_rope_update`)."""


def value(config: Any, name: str) -> int | None:
    """Return a size; where layers have their own, the largest; None where the configuration has none."""
    try:
        found = getattr(config, name, None)
    except Exception:  # transformers raises a class of its own where a value differs between layers
        layers = config.per_layer_config
        each = layers.values() if isinstance(layers, dict) else layers
        found = max((size for layer in each if isinstance(size := getattr(layer, name, None), int)), default=None)
    return found if isinstance(found, int) and found > 0 else None


def token_values(config: Any) -> int:
    """Return about how many numbers the cache of all layers holds for one token; more is on the safe side."""
    layers, width = value(config, "num_hidden_layers") or 32, value(config, "hidden_size") or 4096
    heads = value(config, "num_attention_heads")
    shared = value(config, "num_key_value_heads") or heads
    if heads is None or shared is None:  # no attention: its state is not much larger than a token of one that has it
        return 2 * layers * width
    return 2 * layers * shared * (value(config, "head_dim") or width // heads)


def stretched_from(config: Any) -> int:
    """Return the tokens up to which a row's rotary embedding does not depend on the longest row beside it."""
    rope = getattr(config, "rope_parameters", None) or {}
    parts = [part for part in (rope, *rope.values()) if isinstance(part, dict)]
    if not any(part.get("rope_type") in STRETCHED for part in parts):
        return 1 << 60
    found = [part.get("original_max_position_embeddings") for part in parts]
    limits = [limit for limit in (*found, value(config, "original_max_position_embeddings")) if limit]
    return min(limits, default=value(config, "max_position_embeddings") or 0)
