"""A LoRA adapter: a directory with `adapter_config.json` and its own weights, and no `config.json`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpacabench.core.errors import Problem
from alpacabench.core.records import digest
from alpacabench.inference.weights.checkpoint import file_digest
from alpacabench.io.json_text import loads

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

CAPACITIES = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM can be set up for."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter in a local directory."""

    directory: Path

    def problems(self, key: str) -> Iterator[Problem]:
        """Yield what is missing, or a rank that vLLM has no room for."""
        missing = [name for name in (CONFIG, WEIGHTS) if not (self.directory / name).is_file()]
        if missing:
            given = f"given '{self.directory}': no {' and no '.join(missing)} in it"
            yield Problem(key, given, "give the local directory of a LoRA adapter that PEFT saved as safetensors")
        elif self._rank() > CAPACITIES[-1]:
            yield Problem(key, f"the adapter has rank {self._rank()}", f"vLLM takes ranks up to {CAPACITIES[-1]}")

    def identity(self) -> str:
        """Return a digest of the adapter's weights and of what its configuration says of them."""
        settings = {name: value for name, value in self._config().items() if name != "base_model_name_or_path"}
        return digest([settings, file_digest(self.directory / WEIGHTS)])

    def capacity(self) -> int:
        """Return the smallest rank that vLLM can be set up for and that holds this adapter."""
        return next(size for size in CAPACITIES if size >= self._rank())

    def _rank(self) -> int:
        config = self._config()
        return max([int(config.get("r", 8)), *map(int, (config.get("rank_pattern") or {}).values())])

    def _config(self) -> dict[str, Any]:
        found: dict[str, Any] = loads((self.directory / CONFIG).read_text(encoding="utf-8"))
        return found
