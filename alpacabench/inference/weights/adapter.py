"""A LoRA adapter: a directory with `adapter_config.json` and its own weights, and no `config.json`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpacabench.core.errors import ConfigError, Problem
from alpacabench.core.records import digest
from alpacabench.inference.weights.checkpoint import TOKENIZER, Checkpoint, file_digest, locate
from alpacabench.io.json_text import loads

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

PICKLED = "adapter_model.bin"

MERGED = ("LORA", "ADALORA", "IA3", "LOHA", "LOKR", "OFT", "BOFT")
"""The kinds that PEFT can merge into the weights; others, as prompt tuning, are no change of weights."""

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

    @property
    def base(self) -> str:
        """The model that the adapter was trained on, as its configuration names it; empty where it does not."""
        return str(self._config().get("base_model_name_or_path") or "")

    def merge_problems(self, key: str) -> Iterator[Problem]:
        """Yield what keeps PEFT from merging the adapter into its base model."""
        kind = str(self._config().get("peft_type", "LORA"))
        if kind not in MERGED:
            remedy = f"allowed: {', '.join(MERGED)}; serve this one and use model=openai_compatible"
            yield Problem(key, f"{self.directory} is an adapter of the kind {kind}, which no weights can take", remedy)
        elif not (self.directory / WEIGHTS).is_file():
            pickled = (self.directory / PICKLED).is_file()
            what = f"{self.directory} has no {WEIGHTS}" + (
                f", but {PICKLED}, which can execute code" if pickled else ""
            )
            remedy = (
                "save it with PEFT's `save_pretrained(DIRECTORY, safe_serialization=True)`, or merge it: "
                + how_to_merge(self.directory)
            )
            yield Problem(key, what, remedy)

    def capacity(self) -> int:
        """Return the smallest rank that vLLM can be set up for and that holds this adapter."""
        return next(size for size in CAPACITIES if size >= self._rank())

    def _rank(self) -> int:
        config = self._config()
        return max([int(config.get("r", 8)), *map(int, (config.get("rank_pattern") or {}).values())])

    def _config(self) -> dict[str, Any]:
        found: dict[str, Any] = loads((self.directory / CONFIG).read_text(encoding="utf-8"))
        return found


@dataclass(frozen=True, slots=True)
class Adapted(Checkpoint):
    """A base model with an adapter, which is merged into it when it is loaded."""

    adapter: Path = Path()

    def template(self) -> str | None:
        """Return the chat template of the adapter's tokenizer, where it has one, else the base model's."""
        own = Checkpoint(str(self.adapter), self.adapter)
        return (own.template() if own.files(*TOKENIZER) else None) or Checkpoint.template(self)

    def weights(self) -> dict[str, Any]:
        """Return a digest of the base model and of all files of the adapter that a text depends on."""
        small = [file for file in Checkpoint(str(self.adapter), self.adapter).files(*TOKENIZER) if file.is_file()]
        own = [Adapter(self.adapter).identity(), *([file.name, file_digest(file)] for file in small)]
        return {"digest": digest([Checkpoint.weights(self), *own])}


def is_adapter(path: str) -> bool:
    """Return whether a path is the directory of an adapter, and of no whole model."""
    folder = Path(path).expanduser()
    return (folder / CONFIG).is_file() and not (folder / "config.json").is_file()


def adapted(path: str, base: str | None, key: str, base_key: str) -> Adapted:
    """Return an adapter's files with its base model's.

    Args:
        path: the adapter's directory.
        base: the base model; None is the one that the adapter's configuration names.
        key: the config key of the path, for messages.
        base_key: the config key of the base.

    Raises:
        ConfigError: it cannot be merged, or its base is not found.

    """
    folder = Path(path).expanduser()
    adapter = Adapter(folder)
    if problems := list(adapter.merge_problems(key)):
        raise ConfigError(problems)
    named = base or adapter.base
    if not named:
        raise ConfigError([Problem(base_key, f"{folder}/{CONFIG} names no base model", f"give it: {base_key}=MODEL")])
    try:
        found = locate(named, None, base_key)
    except ConfigError as error:
        said = "given" if base else f"named by {folder}/{CONFIG}"
        remedy = f"the adapter needs its base model ({said}): {base_key}=DIRECTORY or a Hub id"
        raise ConfigError([Problem(p.where, p.what, f"{remedy}; {p.remedy}") for p in error.problems]) from error
    return Adapted(found.source, found.directory, found.commit, found.gguf, folder)


def how_to_merge(folder: Path) -> str:
    """Return the command that makes a whole model of an adapter."""
    return (
        f'python -c "from peft import AutoPeftModelForCausalLM as M; '
        f"M.from_pretrained('{folder}').merge_and_unload().save_pretrained('{folder}-merged')\", and copy the tokenizer"
    )
