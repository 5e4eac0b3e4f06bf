"""A key-value cache in blocks of columns, and the attention over it: for decoding on a CPU.

torch's attention on a CPU is made for many queries. With one query per row, matrix products over contiguous keys take
a fraction of its time, and so does leaving out the columns that only a few long rows use (benchmarks/RESULTS.md). Rows
are longest first, so the rows that reach a block are about its first ones, and these are contiguous in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alpacabench.inference.cpu.cache import BLOCK, ColumnCache, View, ViewedLayer
from alpacabench.inference.transformers_internals import (
    Cache,
    chosen_attention,
    sdpa_attention_forward,
    sdpa_mask,
)

if TYPE_CHECKING:
    from torch import Tensor

ATTENTION = "alpacabench_blocks"
"""The name under which transformers knows the attention."""


@dataclass(slots=True)
class BlockView(View):
    """What all layers see, and which rows use which block in a decode step."""

    reach: list[int] = field(default_factory=list)
    """For each block from the first used one: behind the last row that reaches it."""

    def measure(self, lengths: Sequence[int]) -> None:
        """Find the blocks that rows of these lengths use, the column that is written next included."""
        first, stop = self.start // BLOCK, self.end // BLOCK + 1
        self.reach = [0] * (stop - first)
        deepest = stop
        for row in range(len(lengths) - 1, -1, -1):
            block = (self.end + 1 - lengths[row]) // BLOCK
            if block < deepest:
                for i in range(block, deepest):
                    self.reach[i - first] = row + 1
                deepest = block


class Blocks:
    """A layer's keys and values for one decode step; it stands where transformers passes keys around."""

    def __init__(self, keys: list[Tensor], values: list[Tensor], view: BlockView) -> None:
        self.keys, self.values, self.view = keys, values, view

    def attend(self, query: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        """Return the attention's output, [rows, 1, heads, head size].

        Args:
            query: [rows, heads, 1, head size].
            mask: [rows, 1 or heads, 1, columns], true where a column is seen; None sees all.
            scaling: of the scores.

        """
        import torch

        rows, heads, _, size = query.shape
        shared = self.keys[0].shape[1]
        reach, width = self.view.reach, len(self.view.reach) * BLOCK
        queries = query.reshape(rows * shared, heads // shared, size)
        scores = queries.new_empty(rows * shared, heads // shared, width)
        for i, (block, stop) in enumerate(zip(self.keys, reach, strict=True)):
            keys = block[:stop].view(stop * shared, BLOCK, size).transpose(1, 2)
            scores[: stop * shared, :, i * BLOCK : (i + 1) * BLOCK] = torch.bmm(queries[: stop * shared], keys)
        weights = self._softmax(scores.view(rows, heads, width), mask, scaling).view_as(scores)
        depth = self.values[0].shape[-1]  # multi-head latent attention has values of another size than keys
        output = torch.zeros(rows * shared, heads // shared, depth)
        for i, (block, stop) in enumerate(zip(self.values, reach, strict=True)):
            part = weights[: stop * shared, :, i * BLOCK : (i + 1) * BLOCK].contiguous()
            output[: stop * shared] += torch.bmm(part, block[:stop].view(stop * shared, BLOCK, depth))
        return output.to(query.dtype).view(rows, 1, heads, depth)

    def _softmax(self, scores: Tensor, mask: Tensor | None, scaling: float) -> Tensor:
        import torch

        first, width = self.view.start % BLOCK, self.view.end + 1 - self.view.start
        seen = scores.new_zeros(len(scores), 1 if mask is None else mask.shape[1], scores.shape[-1], dtype=torch.bool)
        seen[..., first : first + width] = True if mask is None else mask[:, :, 0]
        return (scores.float() * scaling).masked_fill_(~seen, -float("inf")).softmax(-1).to(scores.dtype)


class BlockLayer(ViewedLayer):
    """One layer's blocks: [rows, heads, BLOCK, head size] each, made when they are first written."""

    def __init__(self, view: BlockView) -> None:
        super().__init__(view)
        self.view: BlockView = view
        self.blocks: list[tuple[Tensor, Tensor] | None] = []

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Do nothing: blocks are made one by one."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object) -> tuple[Any, Any]:
        """Write the new columns; return what a decode step attends to, or just the new columns of a new prompt."""
        view, count = self.view, key_states.shape[2]
        rows, done = slice(view.first_row, view.rows), 0
        of_rows = [view.of_rows(states) for states in (key_states, value_states)]
        while done < count:
            number, column = divmod(view.end + done, BLOCK)
            some = min(BLOCK - column, count - done)
            block = self._block(number, key_states, value_states)
            for buffer, states in zip(block, of_rows, strict=True):
                buffer[rows, :, column : column + some] = states[:, :, done : done + some]
            done += some
        if count > 1 or view.start == view.end:
            return key_states, value_states
        used = [self._block(i, key_states, value_states) for i in range(view.start // BLOCK, view.end // BLOCK + 1)]
        blocks = Blocks([k for k, _ in used], [v for _, v in used], view)
        return blocks, blocks

    def _block(self, number: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        self.blocks += [None] * (number + 1 - len(self.blocks))
        found = self.blocks[number]
        if found is None:
            rows = self.view.row_capacity
            # Zeros, not garbage: a masked column still enters the product, and NaN times zero is NaN.
            found = self.blocks[number] = (
                keys.new_zeros(rows, keys.shape[1], BLOCK, keys.shape[3]),
                values.new_zeros(rows, values.shape[1], BLOCK, values.shape[3]),
            )
        return found


class BlockCache(Cache):  # type: ignore[misc]
    """The cache of all layers; columns move by whole blocks, so that nothing is copied."""

    def __init__(self, layers: int, rows: int) -> None:
        self.view = BlockView(row_capacity=rows)
        super().__init__(layers=[BlockLayer(self.view) for _ in range(layers)])

    def place(self, end: int, columns: int) -> int:
        """Move the filled columns so that they end at `end` or a little later, with room for `columns`."""
        view = self.view
        number = -((view.end - end) // BLOCK)
        for layer in self.layers:
            layer.blocks = [None] * number + layer.blocks[max(0, -number) :]
        shift = number * BLOCK
        view.start, view.end = view.start + shift, view.end + shift
        view.column_capacity = view.end + columns - end
        return shift

    def move(self, source: int, target: int) -> None:
        """Copy one row over another, in all layers."""
        for layer in self.layers:
            for block in layer.blocks[self.view.start // BLOCK :]:
                for buffer in block or ():
                    buffer[target] = buffer[source]


def can_use_blocks(model: Any) -> bool:
    """Whether the model computes on a CPU and its attention can be exchanged."""
    chosen = chosen_attention(model)
    return model.device.type == "cpu" and chosen in ("sdpa", ATTENTION) and bool(model.is_backend_compatible())


def new_cache(model: Any, layers: int, rows: int, blocks: bool) -> BlockCache | ColumnCache:
    """Return a cache in blocks, with the model's attention exchanged, or one in plain columns."""
    if not blocks:
        return ColumnCache(layers, rows, 0)
    if chosen_attention(model) != ATTENTION:
        attend_to_blocks(model)
    return BlockCache(layers, rows)


def attend_plainly(model: Any, implementation: str | None) -> None:
    """Give the model its attention back, by transformers' name."""
    if chosen_attention(model) != implementation:
        model.set_attn_implementation(implementation)


def attend_to_blocks(model: Any) -> None:
    """Let the model's layers attend to blocks; with other keys and values they do as before."""
    from transformers import AttentionInterface, AttentionMaskInterface

    def attention(module: Any, query: Tensor, key: Any, value: Any, mask: Tensor | None, **values: Any) -> Any:
        if isinstance(key, Blocks):
            scaling = values.get("scaling")
            return key.attend(query, mask, query.shape[-1] ** -0.5 if scaling is None else scaling), None
        return sdpa_attention_forward(module, query, key, value, mask, **values)

    AttentionInterface.register(ATTENTION, attention)
    AttentionMaskInterface.register(ATTENTION, sdpa_mask)
    model.set_attn_implementation(ATTENTION)
