"""What training leaves in a directory that is no model yet: its kind, and the step that makes a model of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alpacabench.core.errors import Problem
from alpacabench.io.json_text import loads


def unfinished(folder: Path, key: str) -> Problem | None:
    """Return why a directory without `config.json`, or without weights, is no model: what training left there."""
    if (folder / "adapter_config.json").is_file():
        adapter = _json(folder / "adapter_config.json")
        base = adapter.get("base_model_name_or_path") or "its base model"
        return Problem(
            key, f"{folder} is a {adapter.get('peft_type', 'LORA')} adapter of {base}, not a whole model",
            "model=hf takes it as it is, model=vllm by model.lora; elsewhere merge it (PEFT's `merge_and_unload`, then "
            "`save_pretrained`) and give that directory",
        )  # fmt: skip
    if any(folder.glob("global_step*")) or any(folder.glob("zero_pp_rank_*")):
        return Problem(
            key, f"{folder} is a ZeRO checkpoint: its weights are in parts, by process",
            f"gather them: `python zero_to_fp32.py {folder} {folder} --safe_serialization`",
        )  # fmt: skip
    if any(folder.glob("pytorch_model_fsdp*")) or any(folder.glob("*.distcp")):
        return Problem(
            key, f"{folder} is an FSDP checkpoint: its weights are in parts, by process",
            "gather them: `accelerate merge-weights`",
        )  # fmt: skip
    inside = sorted(file.parent.name for file in folder.glob("checkpoint-*/config.json"))
    if inside:
        given = f"{folder} is a training directory: its models are in {', '.join(inside)}"
        return Problem(key, given, f"give one of them: {folder / inside[-1]}")
    return None


def _json(file: Path) -> dict[str, Any]:
    try:
        found = loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # what is left of a file says nothing
        return {}
    return found if isinstance(found, dict) else {}
