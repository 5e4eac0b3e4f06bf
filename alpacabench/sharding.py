"""How generation is spread over processes and devices. Never part of a store key: the text must not depend on it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from alpacabench.component import Component


class Sharding(Component):
    """One process, or a group of worker processes that stays up for the whole sweep."""

    group: ClassVar[str] = "sharding"

    mode: Literal["none", "data_parallel", "zero3", "tensor_parallel", "device_map"] = "none"
    num_processes: int = Field(1, ge=1)
    batch_size: int | Literal["auto"] = "auto"
