"""Whole batches through transformers' `generate`: beam search, and models that the decode loop cannot run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from alpacabench.inference.decode import Row, Work, finish, longest_first
from alpacabench.inference.left_padding import left_padded
from alpacabench.inference.loaded import Way
from alpacabench.inference.rank_sync import Together
from alpacabench.inference.sampling import choose, seed_of
from alpacabench.inference.settings import RowWise
from alpacabench.inference.spec import Answer, DecodeSpec

if TYPE_CHECKING:
    from torch import Tensor


class WholeBatches:
    """Decodes `waiting` in batches, each until its last row ends; the way says which rows may be together."""

    def __init__(self, work: Work) -> None:
        self.loaded, self.pad, self.lockstep, self.way = work.loaded, work.pad, work.lockstep, work.way
        self.waiting = longest_first(list(work.rows))
        beams = max((row.manner.spec.num_beams for row in self.waiting), default=1)
        self.batch_size = 1 if self.way is Way.SINGLE else max(1, work.batch_size // beams)

    def run(self) -> Iterator[Answer]:
        """Yield the answers of each batch.

        Raises:
            torch.OutOfMemoryError: the batch does not fit.

        """
        while self.lockstep.anyone(bool(self.waiting)):
            batch = self._together()
            started = time.monotonic()
            written = self._generate(batch)
            self.waiting = [row for row in self.waiting if row not in batch]
            for row, tokens in zip(batch, written, strict=True):
                row.started, row.batch_size = started, len(batch)
                for number, token in enumerate(tokens, 1):
                    row.tokens.append(token)
                    answer = finish(row, time.monotonic(), last=number == len(tokens))
                    if answer is not None:
                        yield answer
                        break

    def retreat(self) -> bool:
        """After an out-of-memory error: halve the batch; return whether there was anything to halve."""
        before, self.batch_size = self.batch_size, max(1, self.batch_size // 2)
        return before > 1

    def _together(self) -> list[Row]:
        """Return the next rows: of one manner and limit, since beams depend on it, and of one length by some ways."""
        first = self.waiting[0] if self.waiting else None
        found = [
            row
            for row in self.waiting
            if first is not None
            and row.manner is first.manner
            and row.limit == first.limit
            and (self.way is Way.PADDED or len(row.prompt.ids) == len(first.prompt.ids))
        ]
        return found[: self.batch_size]

    def _generate(self, batch: list[Row]) -> list[list[int]]:
        """Return the new tokens of each row; with an empty batch, keep step with the other ranks."""
        import torch
        from transformers import LogitsProcessorList

        prompts = [row.prompt.ids for row in batch] or [[self.pad]]
        ids, seen = (part.to(self.loaded.device) for part in left_padded(prompts, self.pad))
        longest = ids.shape[1]
        manner = batch[0].manner if batch else None
        beams = manner.spec.num_beams if manner else 1
        processors: list[Any] = []
        if manner and manner.processors.needed:
            of_rows = [manner.processors.of(row.prompt.ids, row.limit) for row in batch]
            processors.append(RowWise([len(row.prompt.ids) for row in batch], of_rows, beams))
        if manner and manner.spec.temperature > 0:
            processors.append(_Keyed(manner.spec, [row.task.key for row in batch], longest))
        with torch.inference_mode():
            output = self.loaded.model.generate(
                input_ids=ids,
                attention_mask=seen.long(),
                max_new_tokens=batch[0].limit if batch else 1,
                num_beams=beams,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                eos_token_id=(sorted(manner.encoder.stop_ids) if manner else None) or None,
                pad_token_id=self.pad,
                logits_processor=LogitsProcessorList(processors),
                synced_gpus=isinstance(self.lockstep, Together),
            )
        return output[: len(batch), longest:].tolist()  # type: ignore[no-any-return]


class _Keyed:
    """Leaves one token per row possible: the one that keyed sampling draws."""

    def __init__(self, spec: DecodeSpec, keys: list[str], prompt: int) -> None:
        self.spec, self.keys, self.prompt = spec, keys, prompt

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        import torch

        seeds = torch.tensor([seed_of(key) for key in self.keys], device=scores.device)
        steps = torch.full_like(seeds, input_ids.shape[1] - self.prompt)
        chosen = choose(scores, self.spec, seeds, steps)
        return torch.full_like(scores, -torch.inf).scatter(-1, chosen[:, None], 0.0)
