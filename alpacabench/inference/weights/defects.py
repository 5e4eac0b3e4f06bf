"""What is wrong with a model's directory, said before anything is loaded: cause and remedy in one message."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from alpacabench.core.errors import Problem
from alpacabench.inference.weights.checkpoint import Checkpoint, indexed, is_native
from alpacabench.inference.weights.leftovers import unfinished
from alpacabench.io.json_text import loads

QUANTISERS = {
    "bitsandbytes": "bitsandbytes", "gptq": "gptqmodel", "awq": "gptqmodel", "aqlm": "aqlm", "hqq": "hqq",
    "compressed-tensors": "compressed-tensors", "torchao": "torchao", "quanto": "optimum-quanto", "eetq": "eetq",
    "vptq": "vptq", "fbgemm_fp8": "fbgemm-gpu", "auto-round": "auto-round", "quark": "amd-quark",
}  # fmt: skip
"""The package that reads weights quantised by a method (transformers' `quantizers/`), by its name on PyPI."""

MODULES = {"optimum-quanto": "optimum", "fbgemm-gpu": "fbgemm_gpu", "auto-round": "auto_round", "amd-quark": "quark"}

VOCABULARIES = (
    "tokenizer.json", "*.model", "vocab.*", "merges.txt", "*.tiktoken", "tekken.json", "spiece*", "vocab_file*",
)  # fmt: skip
"""Files that hold a tokenizer's words."""

POINTER = b"version https://git-lfs"
"""How what Git LFS leaves in a file's place begins."""

HEADER = 100_000_000
"""The longest header that safetensors itself allows, in bytes."""


def defects(checkpoint: Checkpoint, key: str, trusted: bool) -> Iterator[Problem]:
    """Yield what keeps a local directory or a cached snapshot from being loaded, by its files.

    Args:
        checkpoint: the model's files.
        key: where its path stands in the configuration.
        trusted: whether code that comes with it may run.

    """
    if checkpoint.gguf:
        return
    yield from _architecture(checkpoint, key, trusted)
    yield from _quantiser(checkpoint, key)
    if checkpoint.commit:  # of a Hub snapshot, the rest may not be there yet
        return
    pointers = [file for file in checkpoint.files("*.safetensors", "*.bin", *VOCABULARIES) if _is_pointer(file)]
    if pointers:
        given = f"{pointers[0]} is a pointer of Git LFS, not the file itself"
        yield Problem(key, given, f"`git lfs pull` in {checkpoint.directory} fetches it")
    else:
        yield from _weights(checkpoint, key)
        yield from _tokenizer(checkpoint, key)


def _is_pointer(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(POINTER)) == POINTER


def _architecture(checkpoint: Checkpoint, key: str, trusted: bool) -> Iterator[Problem]:
    config = checkpoint.config()
    kind, built = str(config.get("model_type", "")), [str(name) for name in config.get("architectures") or []]
    where = checkpoint.directory
    if not kind:
        yield Problem(key, f"{where}/config.json names no model_type", "give the directory of a causal language model")
    elif not is_native(kind) and not (trusted and "auto_map" in config):
        if "auto_map" not in config:
            given = f"{where} is of a kind ({kind}) that the installed transformers does not know"
            yield Problem(key, given, "pip install -U transformers, or choose another model")
    elif config.get("is_encoder_decoder") and not any(name.endswith("ForCausalLM") for name in built):
        given = f"{where} is an encoder-decoder ({', '.join(built) or kind}); a causal language model is needed"
        yield Problem(key, given, "choose a decoder-only model, or serve this one and use model=openai_compatible")


def _quantiser(checkpoint: Checkpoint, key: str) -> Iterator[Problem]:
    settings = checkpoint.config().get("quantization_config")
    method = str(settings.get("quant_method", "")) if isinstance(settings, dict) else ""
    package = QUANTISERS.get(method)
    if package and find_spec(MODULES.get(package, package.replace("-", "_"))) is None:
        yield Problem(
            key, f"{checkpoint.directory} has weights quantised by {method}, and {package} is not installed",
            f"pip install {package}, or give the model's unquantised weights",
        )  # fmt: skip


def _weights(checkpoint: Checkpoint, key: str) -> Iterator[Problem]:
    folder, named = checkpoint.directory, indexed(checkpoint.directory)
    outside = [name for name in named if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if outside:
        given = f"{folder}: the weights' index names a file outside the directory ({outside[0]})"
        yield Problem(key, given, "take the model from a source that you trust")
        return
    missing = [name for name in named if not (folder / name).is_file()]
    if missing:
        given = f"{folder} lacks {len(missing)} of {len(named)} weight files (the first: {missing[0]})"
        yield Problem(key, given, "copy or download it again")
        return
    files = checkpoint.weight_files()
    if not files:
        yield unfinished(folder, key) or Problem(
            key, f"{folder} has no weights (no .safetensors, no .bin)", "copy or download it again"
        )
    for file in files:
        if file.suffix == ".safetensors" and (cause := _broken(file)):
            yield Problem(key, f"{file} {cause}", "copy or download it again")
            return


def _broken(file: Path) -> str | None:
    """Return what is wrong with a safetensors file by its header, which gives its size.

    The format: huggingface.co/docs/safetensors, "Format".
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else HEADER + 1
        if length > min(HEADER, size):
            return "is no safetensors file, or is cut short"
        try:
            header = loads(stream.read(length))
            end = max((int(t["data_offsets"][1]) for name, t in header.items() if name != "__metadata__"), default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return "has a broken header"
    return f"is cut short: {size} of {8 + length + end} bytes" if size < 8 + length + end else None


def _tokenizer(checkpoint: Checkpoint, key: str) -> Iterator[Problem]:
    folder = checkpoint.directory
    own = "auto_map" in checkpoint.read("tokenizer_config.json")
    if not own and not checkpoint.files(*VOCABULARIES):
        given = f"{folder} has weights, but no tokenizer"
        yield Problem(key, given, "copy the tokenizer's files of the model that it was trained from into it")
        return
    pieces = [file for file in checkpoint.files("*.model") if file.open("rb").read(1) == b"\n"]
    if pieces and not (folder / "tokenizer.json").is_file() and find_spec("sentencepiece") is None:
        given = f"{folder} has its tokenizer only in SentencePiece's form ({pieces[0].name})"
        yield Problem(key, f"{given}, and sentencepiece is not installed", "pip install sentencepiece")
