"""What one process does with a loaded model: write answers, and weigh choices."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from alpacabench.inference.config_facts import stretched_from, token_values
from alpacabench.inference.cpu.lanes import lane_count, side_by_side
from alpacabench.inference.decode import DecodeLoop, Manner, Row, Work, longest_first, parted
from alpacabench.inference.loaded import Loaded, Way
from alpacabench.inference.loading import free_bytes, out_of_memory
from alpacabench.inference.prompt import Encoder, PromptError
from alpacabench.inference.rank_sync import Alone
from alpacabench.inference.self_check import pads_for_choices, shares_prefixes, way_of
from alpacabench.inference.settings import Processors
from alpacabench.inference.spec import Answer, ChatFormat, Choice, ChoiceAnswer, DecodeSpec, Task
from alpacabench.inference.static_batch import WholeBatches
from alpacabench.inference.weigh_options import TOKENS, Weighing, weigh

log = logging.getLogger(__name__)

AUTO_ROWS = {"cpu": 128, "cuda": 256}
"""The most rows at once in a lane under batch_size=auto, by device type."""

SHARE = 0.5
"""The share of the free memory that the key-value cache may take under batch_size=auto."""


class Engine:
    """A loaded model that writes answers."""

    def __init__(self, loaded: Loaded, lockstep: Alone | None = None) -> None:
        self.loaded = loaded
        self.lockstep = lockstep or Alone()

    def generate(
        self, tasks: Sequence[Task], spec: DecodeSpec, form: ChatFormat, batch_size: int | None = None
    ) -> Iterator[Answer]:
        """Yield one answer per task, as they finish; `batch_size` None chooses by device and memory.

        Tasks with decoding values of their own share the batches of the others, except for beams.
        """
        manners: dict[DecodeSpec, Manner] = {}
        rows: list[Row] = []
        for task in tasks:
            own = task.spec or spec
            manner = manners[own] = manners.get(own) or self._manner(form, own)
            try:
                prompt = manner.encoder.encode(task.messages, tools=task.tools)
            except PromptError as error:
                yield Answer(task.key, finish_reason="error", failure=str(error))
                continue
            room = (manner.encoder.context or 1 << 30) - len(prompt.ids)
            rows.append(Row(task, prompt, min(own.max_new_tokens, room), manner))
        for beams in (False, True):
            some = [row for row in rows if (row.manner.spec.num_beams > 1) == beams]
            # With joint passes all ranks go through the same streams, also with no row of their own.
            if self.lockstep.anyone(bool(some)):
                yield from self._stream(some, self._encoder(form), beams, batch_size)

    def _manner(self, form: ChatFormat, spec: DecodeSpec) -> Manner:
        encoder = self._encoder(form, spec.stop)
        return Manner(spec, encoder, Processors(self.loaded, encoder, spec))

    def _stream(self, rows: list[Row], encoder: Encoder, beams: bool, batch_size: int | None) -> Iterator[Answer]:
        """Yield the answers of rows that are batched in one way."""
        way = self._way(encoder, beams, rows)
        if way >= Way.PADDED:
            size = batch_size or self.auto_rows(rows)
            yield from self._through(WholeBatches(Work(self.loaded, rows, size, self.lockstep, way, encoder.pad)))
            return
        lanes = 1 if self.lockstep.joint else lane_count(self.loaded, min(len(rows), batch_size or len(rows)))
        parts = parted(longest_first(rows), lanes)
        size = -(-batch_size // lanes) if batch_size else self.auto_rows(rows, lanes, max(map(len, parts)))
        works = [Work(self.loaded, part, size, self.lockstep, way, encoder.pad) for part in parts]
        loops = [DecodeLoop(work) for work in works]
        yield from side_by_side(loops, self._through) if lanes > 1 else self._through(loops[0])

    def _way(self, encoder: Encoder, beams: bool, rows: Sequence[Row]) -> Way:
        """Return how these rows are batched."""
        way = way_of(self.loaded, encoder, beams, self.lockstep)
        longest = max((len(row.prompt.ids) + row.limit for row in rows), default=0)
        if self.lockstep.anyone(longest > stretched_from(self.loaded.model.config.get_text_config())):
            return max(way, Way.EQUAL)
        return way

    def _through(self, loop: DecodeLoop | WholeBatches) -> Iterator[Answer]:
        """Run the loop to its end; out of memory halves the batch, and one answer alone is tried twice."""
        size = loop.batch_size
        alone: set[str] = set()
        while True:
            try:
                yield from loop.run()
                break
            except Exception as error:
                # From joint passes the parent starts all ranks again.
                if not out_of_memory(error) or self.lockstep.joint:
                    raise
                before = loop.batch_size
            # Behind the handler: while the error lives, its frames hold on to what the failed pass had allocated.
            if loop.retreat():
                log.warning("out of memory with batch_size=%d: going on with %d", before, loop.batch_size)
            elif (key := loop.waiting[0].task.key) not in alone:
                log.warning("out of memory with batch_size=1: trying once more")
                alone.add(key)
            else:
                del loop.waiting[0]
                yield Answer(key, finish_reason="error", failure="out of memory with this answer alone")
            self._free()
        if loop.batch_size != size:
            log.info("batch_size=%d worked", loop.batch_size)

    def choose(self, choices: Sequence[Choice], form: ChatFormat, tokens: int | None = None) -> Iterator[ChoiceAnswer]:
        """Yield the log probabilities of each question's options; out of memory halves the tokens of one pass."""
        left = {choice.key: choice for choice in choices}
        tokens = tokens or TOKENS
        encoder = self._encoder(form)
        padded = pads_for_choices(self.loaded, encoder, self.lockstep)
        shared = padded and shares_prefixes(self.loaded, encoder, self.lockstep)
        while True:
            weighing = Weighing(tokens, padded, shared)
            try:
                for answer in weigh(self.loaded, encoder, list(left.values()), self.lockstep, weighing):
                    del left[answer.key]
                    yield answer
                return
            except Exception as error:
                if not out_of_memory(error) or tokens < 2 or self.lockstep.joint:
                    raise
            tokens //= 2
            log.warning("out of memory while weighing choices: going on with %d tokens at once", tokens)
            self._free()

    def _encoder(self, form: ChatFormat, stop: tuple[str, ...] = ()) -> Encoder:
        own = getattr(self.loaded.settings, "stop_strings", None) or ()
        stops = stop + ((own,) if isinstance(own, str) else tuple(own))
        loaded = self.loaded
        return Encoder(loaded.tokenizer, form, loaded.eos, loaded.context, stops, loaded.words)

    def auto_rows(self, rows: Sequence[Row], lanes: int = 1, most: int | None = None) -> int:
        """Return how many rows fit in each lane: by the cache's bytes per token, the longest rows, the free memory.

        Args:
            rows: of all lanes.
            lanes: how many decode at the same time.
            most: rows of the fullest lane: room for more rows than there are costs memory. None: all rows.

        """
        token = token_values(self.loaded.model.config.get_text_config()) * self.loaded.model.dtype.itemsize
        longest = max((len(row.prompt.ids) + row.limit for row in rows), default=1)
        fit = int(free_bytes(self.loaded.device.type) * SHARE) // (token * longest * lanes)
        return max(1, min(int(fit), AUTO_ROWS.get(self.loaded.device.type, 64), len(rows) if most is None else most))

    def _free(self) -> None:
        import gc

        import torch

        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
