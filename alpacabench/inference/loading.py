"""Load a model once and keep it: the only place where weights are read, and the counter of how often."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpacabench.core.context import owned
from alpacabench.core.errors import GenerationError
from alpacabench.inference.loaded import Loaded
from alpacabench.inference.merging import merged, own_tokenizer
from alpacabench.inference.spec import ModelSpec, Plan
from alpacabench.inference.weights.checkpoint import locate

log = logging.getLogger(__name__)

ROOM = 1.3
"""Free memory that a model needs, as a multiple of its weights: the rest is cache and activations."""

PACKED_SHARE = 0.25
"""The most of the free memory that packed copies of the weights may take."""


@dataclass
class Models:
    """The models of this process: a part of the call's context."""

    up: dict[tuple[ModelSpec, Plan], Loaded] = field(default_factory=dict)
    loads: int = 0
    """How many were loaded so far."""


def loads() -> int:
    """Return how many models this process has loaded."""
    return owned(Models).loads


def resident(spec: ModelSpec, plan: Plan) -> Loaded:
    """Return the model, loading it unless it is here already."""
    up = owned(Models).up
    found = up.get((spec, plan))
    if found is None:
        found = up[spec, plan] = load(spec, **dispatched(plan))
    return found


def plan_of(spec: ModelSpec) -> Plan | None:
    """Return the plan under which this process holds the model, if it does."""
    return next((plan for known, plan in owned(Models).up if known == spec), None)


def held() -> bool:
    """Return whether this process holds any model."""
    return bool(owned(Models).up)


def dispatched(plan: Plan) -> dict[str, Any]:
    """Return how accelerate spreads the model over devices, then RAM, then disk; empty for one device."""
    if plan.mode != "device_map":
        return {}
    placement: dict[str, Any] = {"device_map": "auto"}
    if plan.max_memory:
        placement["max_memory"] = {int(d) if d.isdigit() else d: limit for d, limit in plan.max_memory}
    if plan.offload_folder:
        placement["offload_folder"] = plan.offload_folder
    return placement


def unload() -> None:
    """Drop all models of this process."""
    import torch

    owned(Models).up.clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def load(spec: ModelSpec, **placement: Any) -> Loaded:
    """Read the weights and the tokenizer.

    Args:
        spec: which model, how.
        placement: further arguments of `from_pretrained`, by which the sharding modes place the weights.

    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    from alpacabench.inference.cpu.packed import pack

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    device = _device(spec)
    source: dict[str, Any] = {"revision": spec.revision, "trust_remote_code": spec.trust_remote_code}
    if spec.gguf:
        source["gguf_file"] = spec.gguf
    values = source | {"dtype": getattr(torch, spec.dtype), "use_safetensors": None if spec.allow_pickle else True}
    if spec.attention:
        values["attn_implementation"] = spec.attention
    if spec.quantization:
        placement.setdefault("device_map", {"": device})
        values["quantization_config"] = _quantization(spec)
    elif not placement and device.type == "cuda":
        placement["device_map"] = {"": device}
    log.info("Loading %s (%s) on %s", spec.source, spec.dtype, device)
    # Sizes that differ are refused below, by name.
    values |= {"output_loading_info": True, "ignore_mismatched_sizes": True}
    with in_one_message(spec, "weights"):
        model, info = AutoModelForCausalLM.from_pretrained(spec.source, **values, **placement)
    _check_weights(spec, info)
    with in_one_message(spec, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(own_tokenizer(spec) or spec.source, **source)
    if spec.adapter:
        with in_one_message(spec, f"adapter {spec.adapter} on the weights"):
            model = merged(model, spec.adapter)
    if not tokenizer.chat_template:  # a processor's template, which the tokenizer does not read
        tokenizer.chat_template = locate(named(spec), spec.revision).template()
    if not placement:
        model.to(device)
        pack(model, PACKED_SHARE * free_bytes(device.type))
    owned(Models).loads += 1
    return Loaded(spec, model.eval(), tokenizer, _first_device(model) if placement else device)


def named(spec: ModelSpec) -> str:
    """Return the model as `locate` takes it."""
    return f"{spec.source}/{spec.gguf}" if spec.gguf else spec.source


@contextmanager
def in_one_message(spec: ModelSpec, what: str, remedy: str | None = None) -> Iterator[None]:
    """Turn whatever a library raises on files that it cannot use into one message; memory is another matter.

    Raises:
        GenerationError: the files cannot be loaded; names the model and the first cause.

    """
    try:
        yield
    except Exception as error:
        if out_of_memory(error):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        sizes = "size mismatch" in str(error)
        if isinstance(error, ImportError):
            remedy = "install what it names"
        check = "check that config and weights belong together" if sizes else "check the directory's files"
        raise GenerationError(
            f"the {what} of {named(spec)} cannot be loaded: {type(error).__name__}: {' '.join(lines[:2])[:400]}\n"
            f"    {remedy or f'{check}, or download or save the model again'}"
        ) from error


def _first_device(model: Any) -> Any:
    """Return where the first layer computes: accelerate's choice where its weights wait in RAM or on disk."""
    import torch

    device = next(model.parameters()).device
    if device.type != "meta":
        return device
    return torch.device(next((at for at in model.hf_device_map.values() if at not in ("cpu", "disk")), "cpu"))


def _device(spec: ModelSpec) -> Any:
    """Return where the model is to be; raises GenerationError where there is no such device."""
    import torch

    count = torch.cuda.device_count()
    try:
        device = torch.device(spec.device or ("cuda" if count else "cpu"))
    except RuntimeError as error:
        raise GenerationError(f"model.device: given '{spec.device}': {str(error).splitlines()[0]}") from error
    if device.type == "cuda" and (device.index or 0) >= count:
        raise GenerationError(
            f"model.device: given '{spec.device}', but torch {torch.__version__} finds {count} CUDA devices here\n"
            "    leave it null, which takes an accelerator where there is one, or set model.device=cpu"
        )
    return device


def _check_weights(spec: ModelSpec, info: Mapping[str, Any]) -> None:
    """Raise where the files lack weights or have other sizes: transformers would make them up at random, and only warn.

    Weights that the model does not have are told: its config may be another model's.
    """
    remedy = "    download or save it again, and check that config and weights belong together"
    differ = sorted(info.get("mismatched_keys") or ())
    if differ:
        name, sizes, expected = differ[0]
        raise GenerationError(
            f"{named(spec)} has {len(differ)} weights of other sizes than its config says (the first: {name} is "
            f"{list(sizes)} in the files, {list(expected)} by the config)\n{remedy}"
        )
    missing = sorted(info["missing_keys"])
    if missing:
        raise GenerationError(
            f"{named(spec)} lacks {len(missing)} weights of the model (the first: {missing[0]}), "
            f"which would be random\n{remedy}"
        )
    others = sorted(info.get("unexpected_keys") or ())
    if others:
        said = "%s: %d weights in the files are no part of the model that its config describes (the first: %s)"
        log.warning(said, named(spec), len(others), others[0])


def weight_bytes(spec: ModelSpec) -> int:
    """Return the size of the weight files, an estimate of the weights in memory; 0 where they are not local."""
    folder = Path(spec.source)
    return sum(f.stat().st_size for pattern in ("*.safetensors", "*.bin", "*.gguf") for f in folder.glob(pattern))


def on_cpu(spec: ModelSpec) -> bool:
    """Return whether the model's processes share the machine's RAM."""
    import torch

    return spec.device == "cpu" or not torch.cuda.is_available()


def free_bytes(device: str | None) -> int:
    """Return the free memory of the device."""
    import torch

    if torch.cuda.is_available() and device != "cpu":
        return int(torch.cuda.mem_get_info()[0])
    import psutil

    return int(psutil.virtual_memory().available)


def out_of_memory(error: Exception) -> bool:
    """Whether this error says that memory ran out, on an accelerator or in RAM."""
    from accelerate.utils.memory import should_reduce_batch_size

    return isinstance(error, MemoryError) or should_reduce_batch_size(error)


def peak_bytes() -> int:
    """Return the most memory that this process has held: on the accelerator where there is one, else in RAM."""
    import resource
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _quantization(spec: ModelSpec) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    if spec.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=getattr(torch, spec.dtype)
    )
