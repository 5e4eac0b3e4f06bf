"""How generation is spread over processes and devices. Never part of a store key: the text must not depend on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from alpacabench.core.component import Component
from alpacabench.core.errors import AlpacabenchError, Problem
from alpacabench.core.extras import missing
from alpacabench.inference.spec import Plan


class Sharding(Component):
    """One process, or a group of worker processes that stays up for the whole sweep."""

    group: ClassVar[str] = "sharding"

    mode: Literal["none", "data_parallel", "zero3", "tensor_parallel", "device_map"] = "none"
    num_processes: int = Field(1, ge=1)
    """Worker processes on all machines together."""
    batch_size: int | Literal["auto"] = "auto"
    num_machines: int = Field(1, ge=1)
    """The others run `python -m alpacabench.inference.other_machine`."""
    main_process_ip: str = "127.0.0.1"
    main_process_port: int = Field(0, ge=0, le=65534)
    """This port and the next are used; 0 chooses free ones, on one machine."""
    offload: Literal["cpu", "nvme"] | None = None
    offload_folder: str | None = None
    max_memory: Mapping[str, str] | None = None

    @field_validator("batch_size")
    @classmethod
    def _positive(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError("must be a whole number of at least 1, or auto")
        return value

    @model_validator(mode="after")
    def _sensible(self) -> Sharding:
        if self.mode in ("none", "device_map") and self.num_processes > 1:
            raise ValueError(f"sharding={self.mode} has one process: choose sharding=data_parallel for several")
        if self.num_processes % self.num_machines:
            raise ValueError("num_processes counts all machines: it must be a multiple of num_machines")
        if self.num_machines > 1 and not self.main_process_port:
            raise ValueError("several machines need sharding.main_process_ip and sharding.main_process_port")
        if self.offload == "nvme" and not self.offload_folder:
            raise ValueError("offload=nvme needs sharding.offload_folder")
        return self

    def problems(self) -> Iterator[Problem]:
        """Yield a missing DeepSpeed, or a missing secret between machines."""
        if self.num_machines > 1 and not os.environ.get("ALPACABENCH_WORKER_SECRET"):
            yield Problem(
                "sharding.num_machines",
                "the machines share no secret",
                "export ALPACABENCH_WORKER_SECRET=$(openssl rand -hex 32), the same on every machine",
            )
        if self.mode == "zero3":
            yield from missing("sharding", "zero3", "deepspeed")
        if self.offload == "nvme" and not _has_header("libaio.h"):
            yield Problem(
                "sharding.offload",
                "DeepSpeed reads and writes NVMe through libaio, whose header libaio.h is not installed",
                "apt install libaio-dev (Debian, Ubuntu) or dnf install libaio-devel; or sharding.offload=cpu",
            )

    def plan(self) -> Plan:
        """Return what the workers need to know."""
        return Plan(
            mode=self.mode,
            num_processes=self.num_processes,
            num_machines=self.num_machines,
            main_process_ip=self.main_process_ip,
            main_process_port=self.main_process_port,
            offload=self.offload,
            offload_folder=self.offload_folder,
            max_memory=tuple(sorted((self.max_memory or {}).items())),
        )

    def check_heads(self, config: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield a tensor-parallel degree that does not divide the model's attention and key-value heads.

        Args:
            config: the model's `config.json`.

        """
        heads = config.get("num_attention_heads")
        if self.mode != "tensor_parallel" or not isinstance(heads, int):
            return
        shared = config.get("num_key_value_heads") or heads
        if heads % self.num_processes or shared % self.num_processes:
            fit = ", ".join(str(n) for n in range(1, heads + 1) if heads % n == 0 and shared % n == 0)
            yield Problem(
                "sharding.num_processes",
                f"given {self.num_processes}, but the model has {heads} attention and {shared} key-value heads",
                f"a tensor-parallel degree must divide both: {fit}",
            )


def _has_header(name: str) -> bool:
    """Return whether the compiler that DeepSpeed calls would find a C header."""
    folders = [
        *os.environ.get("CPATH", "").split(os.pathsep),
        "/usr/include",
        "/usr/local/include",
        f"{sys.prefix}/include",
    ]
    return any(Path(folder, name).is_file() for folder in folders if folder)


def refuse_launcher(program: str, environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to run under `accelerate launch` or torchrun: each rank would be a whole experiment of its own.

    Args:
        program: what the user typed to start, for the message.
        environment: where launchers say that they started the process.

    Raises:
        AlpacabenchError: names the command to use.

    """
    processes = int(environment.get("WORLD_SIZE") or 1)
    if "LOCAL_RANK" in environment and ("TORCHELASTIC_RUN_ID" in environment or processes > 1):
        raise AlpacabenchError(
            f"{program} was started by a launcher ({processes} processes), but it starts its own workers.\n"
            f"    use: {program} sharding=data_parallel sharding.num_processes={processes}"
        )
