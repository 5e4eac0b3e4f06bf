"""A transformers model as a configuration names it: shared by the models that write and the local judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from alpacabench.core.errors import ConfigError, Problem
from alpacabench.core.extras import LOCAL, missing
from alpacabench.inference.spec import ChatFormat, ModelSpec
from alpacabench.inference.weights.adapter import Adapted, adapted, is_adapter
from alpacabench.inference.weights.checkpoint import Checkpoint, is_native, locate
from alpacabench.inference.weights.defects import defects
from alpacabench.inference.weights.device import has_cuda
from alpacabench.inference.weights.template import choices, explicit

Dtype = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from and how it is loaded; nothing is looked up before a method is called."""

    path: str
    revision: str | None = None
    dtype: Dtype | None = None
    """None is float32 on a CPU, the checkpoint's own on an accelerator."""
    template: str | None = None
    device: str | None = None
    quantization: Literal["8bit", "4bit"] | None = None
    attention: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    group: str = "model"
    path_key: str = "path"
    template_key: str = "template"
    """Where these values stand in the configuration, for messages."""
    base: str | None = None
    """Of an adapter; None is the model that it names itself."""
    adapters: bool = False
    """Whether the path may be an adapter's directory."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the template is given beside the messages."""

    def problems(self) -> Iterator[Problem]:
        """Yield a missing model, a missing template, unsafe files that are not allowed, and missing extras."""
        what = f"{self.group}.{self.path_key}={self.path}, a model on this machine,"
        lacking = list(missing(self.group, what, LOCAL))
        yield from lacking
        if lacking:
            return  # what is wrong with the model's files cannot be told without them
        if self.adapters and is_adapter(self.path):
            yield from missing(self._where(self.path_key), f"{self.path} is an adapter, which", "peft")
        try:
            checkpoint = self.checkpoint()
            unsafe = list(self._unsafe(checkpoint))
            broken = list(defects(checkpoint, self._where(self.path_key), self.trust_remote_code))
            yield from unsafe + broken
            form = self.format()
            if not broken and not form.raw and form.template is None and not checkpoint.template():
                what = f"{self.path} is a base model: it has no chat template"
                yield Problem(self._where(self.template_key), what, choices(self._where(self.template_key)))
        except ConfigError as error:
            yield from error.problems
        if self.quantization:
            yield from missing(self._where("quantization"), f"given '{self.quantization}', which", "quantization")
        if self.attention == "flash_attention_2" and find_spec("flash_attn") is None:
            what = f"given '{self.attention}', but flash-attn is not installed"
            yield Problem(self._where("attention"), what, "pip install flash-attn")

    def checkpoint(self) -> Checkpoint:
        """Return where the model's files are.

        Raises:
            ConfigError: there is no such model.

        """
        key, base_key = self._where(self.path_key), self._where("base")
        if self.adapters and is_adapter(self.path):
            return adapted(self.path, self.base, key, base_key)
        if self.base is not None:
            what = (
                f"given '{self.base}', but {self.path} is no adapter (it has no adapter_config.json, or a config.json)"
            )
            raise ConfigError([Problem(base_key, what, "leave it null")])
        return locate(self.path, self.revision, key)

    def identity(self) -> dict[str, Any]:
        """Return what determines the model's text: weights, template, dtype and quantisation."""
        checkpoint, form = self.checkpoint(), self.format()
        return {
            "backend": "transformers",
            "weights": checkpoint.weights(),
            "template": "raw" if form.raw else form.template or checkpoint.template(),
            "stop": list(form.stop),
            "dtype": self.resolved_dtype(checkpoint),
            "quantization": self.quantization,
            **({"template_arguments": dict(self.arguments)} if self.arguments else {}),
        }

    def format(self) -> ChatFormat:
        """Return how messages become text."""
        arguments = tuple(sorted(self.arguments.items()))
        if self.template is None:
            return ChatFormat(arguments=arguments)
        template = explicit(self.template, self._where(self.template_key))
        return ChatFormat(template.text, raw=template.text is None, stop=template.stop, arguments=arguments)

    def spec(self) -> ModelSpec:
        """Return what a worker needs to load the model."""
        checkpoint = self.checkpoint()
        return ModelSpec(
            source=checkpoint.source,
            revision=checkpoint.commit,
            gguf=checkpoint.gguf,
            adapter=str(checkpoint.adapter) if isinstance(checkpoint, Adapted) else None,
            dtype=self.resolved_dtype(checkpoint),
            device=self.device,
            quantization=self.quantization,
            attention=self.attention,
            trust_remote_code=self.trust_remote_code,
            allow_pickle=self.allow_pickle,
        )

    def resolved_dtype(self, checkpoint: Checkpoint) -> str:
        """Return the dtype by name."""
        if self.dtype is not None:
            return self.dtype
        if self.device == "cpu" or not has_cuda():
            return "float32"
        config = checkpoint.config()
        return str(config.get("dtype") or config.get("torch_dtype") or "bfloat16").removeprefix("torch.")

    def _where(self, key: str) -> str:
        return f"{self.group}.{key}"

    def _unsafe(self, checkpoint: Checkpoint) -> Iterator[Problem]:
        config = checkpoint.config()
        kind = str(config.get("model_type", ""))
        if "auto_map" in config and not self.trust_remote_code and not is_native(kind):
            yield Problem(
                f"{self.group}.trust_remote_code",
                f"{self.path} brings its own code ({kind}), which would be executed",
                f"read that code, then set {self.group}.trust_remote_code=true, or choose another model",
            )
        brought = any(
            "auto_map" in checkpoint.read(name) for name in ("tokenizer_config.json", "processor_config.json")
        )
        if brought and "auto_map" not in config and not self.trust_remote_code:
            yield Problem(
                f"{self.group}.trust_remote_code",
                f"the tokenizer of {self.path} brings its own code, which would be executed",
                f"read that code, then set {self.group}.trust_remote_code=true, or use a copy with a tokenizer.json",
            )
        files = [] if checkpoint.gguf else checkpoint.weight_files()
        pickled = [file.name for file in files if file.suffix != ".safetensors"]
        if pickled and not self.allow_pickle:
            yield Problem(
                f"{self.group}.allow_pickle",
                f"{self.path} has only pickled weights ({pickled[0]}), which can execute code",
                f"use a safetensors copy, or trust the file and set {self.group}.allow_pickle=true",
            )
