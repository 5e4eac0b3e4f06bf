"""A preallocated key-value cache behind transformers' Cache interface.

All rows share the column that is written next; a row's tokens stand right-aligned before it. So a step writes one
column in place (no concatenation), a new prompt is prefilled straight into free rows, and a finished row's place is
taken by the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpacabench.inference.transformers_internals import Cache, CacheLayerMixin

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 64
"""Columns are allocated in multiples of this, itself a multiple of what vector units read at once."""


@dataclass(slots=True)
class View:
    """The part of the buffers that the next forward pass sees; shared by all layers."""

    first_row: int = 0
    rows: int = 0
    """Behind the last row."""
    start: int = 0
    """The first column that any of these rows uses."""
    end: int = 0
    """The column that is written next."""
    row_capacity: int = 0
    column_capacity: int = 0
    source: Tensor | None = None
    """For each row, which of the prompts that are read now is its own; None: there are as many prompts as rows."""

    def of_rows(self, states: Tensor) -> Tensor:
        """Return each row's new states, [rows, ...], of those of the distinct prompts."""
        return states if self.source is None else states[self.source]

    def measure(self, lengths: Sequence[int]) -> None:
        """Take note of each row's columns, the one that is written next included; only blocks need it."""


class ViewedLayer(CacheLayerMixin):  # type: ignore[misc]
    """One layer's keys and values, of which a forward pass sees what the view shows."""

    is_sliding = False

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view = view

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many columns the mask has, and its offset."""
        return self.view.end - self.view.start + query_length, 0

    def get_seq_length(self) -> int:
        """Return how many columns are filled."""
        return self.view.end - self.view.start

    def get_max_length(self) -> int:
        """Return -1: a layer grows where it must."""
        return -1


class ColumnLayer(ViewedLayer):
    """One layer's buffers: [rows, heads, columns, head size]."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Allocate the buffers, once the shape of keys and values is known."""
        rows, columns = self.view.row_capacity, self.view.column_capacity
        # Zeros, not garbage: a masked column still enters the product, and NaN times zero is NaN.
        self.keys, self.values = (
            states.new_zeros(rows, states.shape[1], columns, states.shape[3]) for states in (key_states, value_states)
        )
        self.is_initialized = True

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Write the new columns in place and return the view of all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        view = self.view
        stop = view.end + key_states.shape[2]
        rows = slice(view.first_row, view.rows)
        self.keys[rows, :, view.end : stop] = view.of_rows(key_states)
        self.values[rows, :, view.end : stop] = view.of_rows(value_states)
        if view.source is not None:
            return key_states, value_states
        return self.keys[rows, :, view.start : stop], self.values[rows, :, view.start : stop]

    def resize(self, rows: int, columns: int, shift: int) -> None:
        """Move the filled columns by `shift`, into larger buffers where these are too small."""
        if not self.is_initialized:
            return
        view = self.view
        source, target = slice(view.start, view.end), slice(view.start + shift, view.end + shift)
        for name in ("keys", "values"):
            old = getattr(self, name)
            filled = old[: view.rows, :, source]
            if (rows, columns) == (old.shape[0], old.shape[2]):
                old[: view.rows, :, target] = filled.clone()
                continue
            new = old.new_zeros(rows, old.shape[1], columns, old.shape[3])
            new[: view.rows, :, target] = filled
            setattr(self, name, new)

    def move(self, source: int, target: int) -> None:
        """Copy one row over another."""
        if self.is_initialized:
            columns = slice(self.view.start, self.view.end)
            self.keys[target, :, columns] = self.keys[source, :, columns]
            self.values[target, :, columns] = self.values[source, :, columns]


class ColumnCache(Cache):  # type: ignore[misc]
    """The cache of all layers."""

    def __init__(self, layers: int, rows: int, columns: int) -> None:
        self.view = View(row_capacity=rows, column_capacity=_blocks(columns))
        super().__init__(layers=[ColumnLayer(self.view) for _ in range(layers)])

    def place(self, end: int, columns: int) -> int:
        """Move the filled columns so that they end at `end`, with room for `columns` in all; return the shift."""
        view = self.view
        shift = end - view.end
        capacity = max(view.column_capacity, _blocks(columns))
        if shift or capacity != view.column_capacity:
            for layer in self.layers:
                layer.resize(view.row_capacity, capacity, shift)
        view.column_capacity = capacity
        view.start, view.end = view.start + shift, end
        return shift

    def move(self, source: int, target: int) -> None:
        """Copy one row over another, in all layers."""
        for layer in self.layers:
            layer.move(source, target)


def _blocks(columns: int) -> int:
    return -(-columns // BLOCK) * BLOCK
