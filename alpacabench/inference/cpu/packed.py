"""Linear layers whose float32 weights are packed once for oneDNN, where that is measured to be faster.

torch's own product lays the weights out anew in every call, or reads them as they lie; packed ones took half of its
time and less on an AMD EPYC, from one row to thousands (benchmarks/RESULTS.md). Other processors may prefer the other
kernel, so both are timed when a model is loaded, for the few rows of a decode step and for the many of a prompt.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)

FEW, MANY = 16, 512
"""Rows with which the kernels are timed: of a decode step, and of prompts."""

STEP_ROWS = 256
"""Up to so many rows, a product counts as one of few."""

WORK = 4e9
"""The most operations of one timed product: where layers are large, fewer rows tell as much."""

LAYERS = 8
"""How many layers are timed one after the other: a single one would stay in the processor's cache."""

ROUNDS = 3

MARGIN = 1.05
"""How many times faster packed weights must be: a near tie must not be decided by noise."""


class PackedLinear(nn.Linear):
    """A linear layer with a second copy of its weights, in oneDNN's order."""

    packed: Tensor
    for_few: bool
    for_many: bool

    def forward(self, input: Tensor) -> Tensor:
        """Return [..., out features]; gradients are left to torch's own product."""
        rows = input.numel() // self.in_features
        if not (self.for_few if rows <= STEP_ROWS else self.for_many) or torch.is_grad_enabled():
            return super().forward(input)
        return _product(input, self.packed, self.bias)


def pack(model: nn.Module, room: float) -> bool:
    """Pack the model's float32 linear layers where they are on a CPU and it is faster.

    Args:
        model: as it was loaded; its weights stay, since models read them for other things than products, too.
        room: bytes that the copies may take, with those of the other processes that load the model now.

    Returns:
        Whether any product is now computed with packed weights.

    """
    layers: list[Any] = [layer for layer in model.modules() if _can_be_packed(layer)]
    size = sum(layer.weight.nbytes for layer in layers) * _processes()
    if not layers or size > room:
        return False
    try:
        with torch.inference_mode():
            for_few, for_many = faster(layers)
            if not (for_few or for_many):
                return False
            packed = [_packed(layer.weight) for layer in layers]
    except (RuntimeError, AttributeError) as error:  # a torch that was built without these kernels
        log.debug("weights cannot be packed: %s", error)
        return False
    for layer, weight in zip(layers, packed, strict=True):
        layer.__class__ = PackedLinear
        layer.packed, layer.for_few, layer.for_many = weight, for_few, for_many
    return True


def faster(layers: Sequence[Any]) -> tuple[bool, bool]:
    """Return whether packed weights are faster for few rows, and for many: by layers of the shape that weighs most."""
    shapes = Counter[tuple[int, int]]()
    for layer in layers:
        shapes[tuple(layer.weight.shape)] += layer.weight.numel()
    shape = shapes.most_common(1)[0][0]
    some = [layer for layer in layers if layer.weight.shape == shape][:LAYERS]
    packed = [_packed(layer.weight) for layer in some]

    def preferred(rows: int) -> bool:
        states = torch.randn(rows, shape[1])

        def plainly() -> None:
            for layer in some:
                nn.functional.linear(states, layer.weight, layer.bias)

        def with_packed() -> None:
            for layer, weight in zip(some, packed, strict=True):
                _product(states, weight, layer.bias)

        plain, other = _seconds(plainly, with_packed)
        log.debug("%d rows through %d layers: %.4f s, packed %.4f s", rows, len(some), plain, other)
        return other * MARGIN < plain

    most = max(FEW, int(WORK / (2 * shape[0] * shape[1])))
    return preferred(FEW), preferred(min(MANY, most))


def _seconds(*kernels: Callable[[], None]) -> list[float]:
    """Return the shortest time of each, taking turns: what else the machine does disturbs only some of them."""
    best = [float("inf")] * len(kernels)
    for _ in range(1 + ROUNDS):  # the first is the slowest: it makes what the others find made
        for number, kernel in enumerate(kernels):
            start = time.perf_counter()
            kernel()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


def _can_be_packed(layer: nn.Module) -> bool:
    """Whether this is torch's own linear layer, whole and in float32: other kinds do more than a product."""
    return (
        type(layer) is nn.Linear
        and type(layer.weight.data) is Tensor
        and layer.weight.device.type == "cpu"
        and layer.weight.dtype == torch.float32
        and layer.weight.numel() > 0
    )


def _packed(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach(), FEW)
    return packed


def _product(states: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(states, packed, bias, "none", [], "")
    return product


def _processes() -> int:
    """Return how many processes load the model at once, each with a copy of its own."""
    from torch import distributed

    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1
