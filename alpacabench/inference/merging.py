"""An adapter merged into its base model's weights, as PEFT itself does it: the model decodes like any other then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alpacabench.inference.spec import ModelSpec
from alpacabench.inference.weights.adapter import WEIGHTS


def merged(model: Any, adapter: str) -> Any:
    """Return the model with the adapter's changes in its weights.

    The sum is computed in the dtype that the model was loaded in (PEFT, `merge_and_unload`).
    """
    from peft import PeftModel

    words = _words(Path(adapter))
    if words and words != model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(words, mean_resizing=False)
    return PeftModel.from_pretrained(model, adapter, torch_device="cpu").merge_and_unload(safe_merge=True)


def own_tokenizer(spec: ModelSpec) -> str | None:
    """Return where the adapter's own tokenizer is; None where it has none, so that the base model's is its."""
    return spec.adapter if spec.adapter and (Path(spec.adapter) / "tokenizer_config.json").is_file() else None


def _words(adapter: Path) -> int | None:
    """Return how many tokens the adapter's own embeddings have; None where it has none."""
    from safetensors import safe_open

    with safe_open(adapter / WEIGHTS, "pt") as file:
        named = [name for name in file.keys() if name.endswith("embed_tokens.weight")]  # noqa: SIM118
        return int(file.get_slice(named[0]).get_shape()[0]) if named else None
