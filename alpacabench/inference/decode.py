"""The decode loop: rows that finish leave, waiting prompts take their place, memory that runs out halves the batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alpacabench.core import progress
from alpacabench.core.reasoning import part
from alpacabench.inference.cpu.blocks import new_cache
from alpacabench.inference.left_padding import left_padded
from alpacabench.inference.loaded import Loaded, Way, accepted
from alpacabench.inference.prompt import Encoded, Encoder
from alpacabench.inference.rank_sync import Alone
from alpacabench.inference.sampling import choose_each, seed_of
from alpacabench.inference.settings import Processors
from alpacabench.inference.spec import Answer, DecodeSpec, Task

if TYPE_CHECKING:
    from torch import Tensor

REFILL = 4
"""Prompts are taken in when a 1/REFILL of the batch is free: a prefill costs a pass over the weights."""

SHORTEST = 0.75
"""Prompts are read together where the shortest has this share of the longest's tokens: the rest would be padding."""

STOP_TAIL = 24
"""How many of the last tokens are read for a stop string, beside one for each of its characters."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How answers are written: the decoding values, what ends them, and what changes their logits."""

    spec: DecodeSpec
    encoder: Encoder
    processors: Processors


@dataclass(slots=True)
class Row:
    """One answer that is being written."""

    task: Task
    prompt: Encoded
    limit: int
    """The most tokens that the answer may have."""
    manner: Manner
    tokens: list[int] = field(default_factory=list)
    started: float = 0.0
    batch_size: int = 0
    processors: Any = None
    """What changes this row's logits, where anything does."""

    @property
    def length(self) -> int:
        """Prompt and answer so far."""
        return len(self.prompt.ids) + len(self.tokens)


@dataclass(frozen=True, slots=True)
class Work:
    """Rows that one stream decodes, each in its own manner, and how they are batched."""

    loaded: Loaded
    rows: Sequence[Row]
    batch_size: int
    """The most rows at once."""
    lockstep: Alone
    way: Way
    pad: int
    """The token of a column that no row uses."""


class DecodeLoop:
    """Decodes waiting rows (longest first), at most `batch_size` at once; call `run` once."""

    def __init__(self, work: Work) -> None:
        self.way, self.pad, self.lockstep = work.way, work.pad, work.lockstep
        self.model, self.device = work.loaded.model, work.loaded.device
        self.waiting = list(work.rows)
        self.batch_size = work.batch_size
        self.stepped: Callable[[float], None] = progress.in_flight
        """Told after each step how much of the unfinished answers is written, in whole answers."""
        self.layers = getattr(self.model.config.get_text_config(), "num_hidden_layers", 0)
        self.restart()

    def restart(self) -> None:
        """Begin with an empty batch; what was in flight must be put back in `waiting` before."""
        self.rows: list[Row] = []
        self.cache = new_cache(self.model, self.layers, self.batch_size, self.way is Way.BLOCKS)

    def run(self) -> Iterator[Answer]:
        """Yield answers as they finish.

        Raises:
            torch.OutOfMemoryError: the batch does not fit; `retreat` says what to do.

        """
        import torch

        with torch.inference_mode():
            while self.lockstep.anyone(bool(self.waiting or self.rows)):
                free = self.batch_size - len(self.rows)
                if self.waiting and (not self.rows or free >= min(len(self.waiting), -(-self.batch_size // REFILL))):
                    self._admit(alike(self.waiting[:free]))
                elif self.rows:
                    self._step()
                else:
                    self.model(input_ids=torch.zeros(1, 1, dtype=torch.long, device=self.device), use_cache=False)
                yield from self._collect()
                self.stepped(sum(len(row.tokens) / row.limit for row in self.rows))

    def retreat(self) -> bool:
        """After an out-of-memory error: put rows back, halve the batch; return whether there is anything to halve."""
        for row in self.rows:
            row.tokens.clear()
            row.batch_size = 0
        self.waiting = longest_first(self.rows + self.waiting)
        before, self.batch_size = self.batch_size, max(1, min(self.batch_size, len(self.rows) or self.batch_size) // 2)
        self.restart()
        return before > 1

    def _admit(self, new: list[Row]) -> None:
        """Prefill prompts into the free rows, equal ones once, and choose their first tokens."""
        import torch

        longest = max(len(row.prompt.ids) for row in new)
        first = len(self.rows)
        self._reserve(longest, new)
        self.rows += new
        del self.waiting[: len(new)]
        now = time.monotonic()
        for row in new:
            if row.manner.processors.needed:
                row.processors = row.manner.processors.of(row.prompt.ids, row.limit)
            row.started = now
        # The jobs of a sweep that differ in decoding ask about the same prompts.
        distinct: dict[tuple[int, ...], int] = {}
        source = torch.tensor([distinct.setdefault(tuple(row.prompt.ids), len(distinct)) for row in new])
        ids, seen = left_padded(list(distinct), self.pad)
        view = self.cache.view
        view.source = source.to(self.device) if len(distinct) < len(new) else None
        end = view.end
        view.first_row, view.rows, view.start, view.end = first, len(self.rows), end - longest, end - longest
        positions = (seen.cumsum(-1) - 1).clamp(min=0)
        self._forward(ids, seen, positions, new)
        view.first_row, view.end, view.source = 0, end, None
        self._narrow()

    def _step(self) -> None:
        """Write one token of every row."""
        import torch

        view = self.cache.view
        if view.end + 1 > view.column_capacity:
            self._reserve(0, [])
        view.measure([row.length for row in self.rows])
        lengths = torch.tensor([row.length for row in self.rows])
        ids = torch.tensor([row.tokens[-1:] for row in self.rows])
        width = view.end - view.start + 1
        seen = torch.arange(width)[None] >= width - lengths[:, None]
        self._forward(ids, seen, lengths[:, None] - 1, self.rows)
        view.end += 1

    def _forward(self, ids: Tensor, seen: Tensor, positions: Tensor, rows: list[Row]) -> None:
        import torch

        logits = (
            self.model(
                input_ids=ids.to(self.device),
                past_key_values=self.cache,
                use_cache=True,
                **accepted(
                    self.model,
                    attention_mask=seen.to(self.device),
                    position_ids=positions.to(self.device),
                    logits_to_keep=1,
                ),
            )
            .logits[:, -1]
            .float()
        )
        logits = self._adjusted(self.cache.view.of_rows(logits), rows)
        seeds = torch.tensor([seed_of(row.task.key) for row in rows], device=self.device)
        steps = torch.tensor([len(row.tokens) for row in rows], device=self.device)
        tokens = self.lockstep.agree(choose_each(logits, [row.manner.spec for row in rows], seeds, steps)).tolist()
        for row, token in zip(rows, tokens, strict=True):
            row.tokens.append(token)
            row.batch_size = max(row.batch_size, len(self.rows))

    def _adjusted(self, logits: Tensor, rows: list[Row]) -> Tensor:
        """Return the logits as the rows' processors change them, [rows, vocabulary]."""
        import torch

        for i, row in enumerate(rows):
            if row.processors is None:
                continue
            ids = torch.tensor([[*row.prompt.ids, *row.tokens]], device=logits.device)
            logits[i : i + 1] = row.processors(ids, logits[i : i + 1])
        return logits

    def _reserve(self, longest: int, new: list[Row]) -> None:
        """Make room for prompts of this length, and for every row's remaining tokens where that is little."""
        view = self.cache.view
        used = view.end - view.start
        end = max(used, longest)
        remaining = max(row.limit - len(row.tokens) for row in (*self.rows, *new))
        self.cache.place(end, end + min(remaining, max(end, 64)) + 1)

    def _narrow(self) -> None:
        """Leave out the columns that no row uses any more."""
        view = self.cache.view
        view.rows = len(self.rows)
        # The token chosen last is not in the cache yet: it is written by the next step.
        view.start = view.end - max((row.length - 1 for row in self.rows), default=0)

    def _collect(self) -> Iterator[Answer]:
        """Take finished rows out, move the last rows into their places."""
        now = time.monotonic()
        i = 0
        while i < len(self.rows):
            answer = finish(self.rows[i], now)
            if answer is None:
                i += 1
                continue
            last = len(self.rows) - 1
            if i < last:
                self.cache.move(last, i)
                self.rows[i] = self.rows[last]
            self.rows.pop()
            yield answer
        self._narrow()


def finish(row: Row, now: float, last: bool = False) -> Answer | None:
    """Return the answer if the row is complete: by a stop token, a stop string, its limit, or because it was `last`."""
    encoder = row.manner.encoder
    ended = row.tokens[-1] in encoder.stop_ids
    tail = max((len(stop) for stop in (*encoder.stops, *encoder.spelled)), default=0) + STOP_TAIL
    if not (ended or last or len(row.tokens) >= row.limit or encoder.stopped(row.tokens[-tail:])):
        return None
    text, stopped = encoder.answer(row.tokens[:-1] if ended else row.tokens)
    parted = part(text, row.prompt.opened)
    return Answer(
        key=row.task.key,
        text=parted.text,
        finish_reason="stop" if ended or stopped else "length",
        prompt_tokens=len(row.prompt.ids),
        completion_tokens=len(row.tokens),
        seconds=now - row.started,
        reasoning=parted.reasoning,
        batch_size=row.batch_size,
    )


def longest_first(rows: list[Row]) -> list[Row]:
    """Return the rows by the length of their prompts; the order of equal ones is fixed, too."""
    return sorted(rows, key=lambda row: (-len(row.prompt.ids), row.task.key))


def parted(rows: Sequence[Row], lanes: int) -> list[list[Row]]:
    """Return the rows of each lane: those with equal prompts, which are read once, in one, the emptiest so far.

    Args:
        rows: longest prompt first; each lane's are, too.
        lanes: how many.

    """
    equal: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        equal.setdefault(tuple(row.prompt.ids), []).append(row)
    most = -(-len(rows) // lanes)
    parts: list[list[Row]] = [[] for _ in range(lanes)]
    for some in equal.values():
        # More of one prompt than a lane's share would leave the others without work.
        for start in range(0, len(some), most):
            min(parts, key=len).extend(some[start : start + most])
    return parts


def alike(rows: list[Row]) -> list[Row]:
    """Return the first rows whose prompts are about as long as the first one's; rows come longest first."""
    least = SHORTEST * len(rows[0].prompt.ids)
    return [row for row in rows if len(row.prompt.ids) >= least]
