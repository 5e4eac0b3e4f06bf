"""What workers are told and what they answer: frozen, resolved, picklable; no heavy imports.

A worker never sees the configuration: it gets these values, resolved once by the process that started it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from alpacabench.core.exchange import FinishReason, Messages


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model to load: equal specs share one loaded model."""

    source: str
    """A directory or a Hub id."""
    revision: str | None = None
    gguf: str | None = None
    adapter: str | None = None
    """The directory of an adapter that is merged into the weights."""
    dtype: str = "float32"
    device: str | None = None
    """None: the first accelerator, else the CPU."""
    quantization: Literal["8bit", "4bit"] | None = None
    attention: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False


@dataclass(frozen=True, slots=True)
class ChatFormat:
    """How messages become text: part of the request, since one loaded model may be asked through several templates."""

    template: str | None = None
    """Jinja text; None is the tokenizer's own."""
    raw: bool = False
    """Whether the contents are simply joined, without a template."""
    stop: tuple[str, ...] = ()
    """Strings that begin the next turn."""
    arguments: tuple[tuple[str, Any], ...] = ()
    """(name, value) of what the template is given beside the messages."""


@dataclass(frozen=True, slots=True)
class DecodeSpec:
    """Decoding values as the loop uses them; see `alpacabench.decoding`."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    num_beams: int = 1
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One answer to be written; sampling is keyed by (key, step)."""

    key: str
    messages: Messages
    spec: DecodeSpec | None = None
    """Its own decoding values; None: those that it is asked with."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """What the model is offered, in OpenAI's format."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker answers to one task."""

    key: str
    text: str = ""
    finish_reason: FinishReason = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    """From the start of its prefill to its last token."""
    reasoning: str | None = None
    batch_size: int = 1
    """The most rows that were decoded together with it."""
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A question whose answer is one of a few first tokens: what a logprob-weighted judge asks."""

    key: str
    messages: Messages
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChoiceAnswer:
    """The log probabilities of the options as the next token."""

    key: str
    logprobs: tuple[float, ...] = ()
    prompt_tokens: int = 0
    seconds: float = 0.0
    failure: str | None = None
    last: bool = False
    """Whether it is the last of what was read together: the next one may take long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is spread over processes; see `alpacabench.sharding`."""

    mode: Literal["none", "data_parallel", "zero3", "tensor_parallel", "device_map"] = "none"
    num_processes: int = 1
    """On all machines together."""
    num_machines: int = 1
    main_process_ip: str = "127.0.0.1"
    main_process_port: int = 0
    """Where the ranks of other machines find this one; 0 is any free port, for one machine."""
    offload: Literal["cpu", "nvme"] | None = None
    offload_folder: str | None = None
    max_memory: tuple[tuple[str, str], ...] = ()
    """(device, limit) for device_map."""

    @property
    def lockstep(self) -> bool:
        """Whether every forward pass is a joint effort of all ranks, so that one cannot go on without the others."""
        return self.mode in ("zero3", "tensor_parallel")

    @property
    def mirrored(self) -> bool:
        """Whether all ranks decode the same rows."""
        return self.mode == "tensor_parallel"


@dataclass(frozen=True, slots=True)
class GenerateJob:
    """What the parent asks of a rank: write answers."""

    tasks: tuple[Task, ...]
    decode: DecodeSpec
    form: ChatFormat
    batch_size: int | None


@dataclass(frozen=True, slots=True)
class ChooseJob:
    """What the parent asks of a rank: weigh choices."""

    choices: tuple[Choice, ...]
    form: ChatFormat
    tokens: int | None = None
    """Padded tokens of one forward pass."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What a rank wants in the log, as `logging` takes it."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A rank is up, or has finished a job; `failure` tells why it could not."""

    loads: int = 0
    peak_bytes: int = 0
    failure: str | None = None
    out_of_memory: bool = False
