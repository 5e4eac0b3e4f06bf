"""Read prompts that begin alike: what they share is read once, and its keys and values serve all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alpacabench.inference.cpu.cache import View, ViewedLayer
from alpacabench.inference.left_padding import left_padded
from alpacabench.inference.loaded import Loaded, accepted
from alpacabench.inference.prefix_tree import Span, spans
from alpacabench.inference.transformers_internals import Cache

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST = 0.75
"""Spans are read together where the shortest has this share of the longest's tokens: the rest would be padding."""

CPU_TOKENS = 2048
"""Padded tokens of one pass on a CPU: larger ones are no faster there, and tell later how far they are."""


@dataclass(slots=True)
class Batch(View):
    """The spans of one forward pass, a row each; a row's tokens stand right-aligned, those that it follows included."""

    spans: Sequence[Span] = ()

    def show(self, spans: Sequence[Span]) -> None:
        """Take the spans of the next pass."""
        self.spans = spans
        self.end = max(span.depth + len(span.ids) for span in spans) - max(len(span.ids) for span in spans)


class SpanLayer(ViewedLayer):
    """One layer's keys and values of every span that others follow: [heads, tokens, head size] each."""

    def __init__(self, view: Batch) -> None:
        super().__init__(view)
        self.view: Batch = view
        self.read: dict[int, tuple[Tensor, Tensor]] = {}

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Do nothing: spans are kept as they are read."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        """Keep what other spans follow; return the batch's columns, those before its spans included."""
        for row, span in enumerate(self.view.spans):
            if span.prompt is None:
                new = slice(-len(span.ids), None)
                self.read[id(span)] = key_states[row, :, new].clone(), value_states[row, :, new].clone()
        if not any(span.before for span in self.view.spans):
            return key_states, value_states
        return self._behind(key_states, 0), self._behind(value_states, 1)

    def _behind(self, states: Tensor, part: int) -> Tensor:
        """Return new states behind those of the spans that each row follows; without a gap, also in shorter rows."""
        width = self.view.end + states.shape[2]
        # Zeros, not garbage: a masked column still enters the product, and NaN times zero is NaN.
        columns = states.new_zeros(*states.shape[:2], width, states.shape[3])
        columns[:, :, self.view.end :] = states
        for row, span in enumerate(self.view.spans):
            stop = width - len(span.ids)
            for earlier in reversed(span.before):
                columns[row, :, stop - len(earlier.ids) : stop] = self.read[id(earlier)][part]
                stop -= len(earlier.ids)
        return columns


def read_shared(
    loaded: Loaded, pad: int, prompts: Sequence[list[int]], tokens: int, told: Callable[[float], None] = lambda _: None
) -> list[Tensor]:
    """Return the log probabilities of the next token, [vocabulary] per prompt.

    Args:
        loaded: a model whose cache is nothing but keys and values; `self_check.shares_prefixes` tries it.
        pad: the token of a column that no row uses.
        prompts: token ids.
        tokens: the most padded tokens of one pass, those before its spans included; one span is always read.
        told: after each pass, which share of the tokens is read.

    Raises:
        torch.OutOfMemoryError: a pass does not fit.

    """
    import torch

    if loaded.device.type == "cpu":
        tokens = min(tokens, CPU_TOKENS)
    layers = getattr(loaded.model.config.get_text_config(), "num_hidden_layers", 0)
    view = Batch()
    cache = Cache(layers=[SpanLayer(view) for _ in range(layers)])
    found: dict[int, Tensor] = {}
    tree, read = spans(prompts), 0
    with torch.inference_mode():
        for batch in _batches(tree, tokens):
            view.show(batch)
            logits = _forward(loaded, pad, batch, cache)
            found |= {span.prompt: row for span, row in zip(batch, logits, strict=True) if span.prompt is not None}
            read += sum(len(span.ids) for span in batch)
            told(read / sum(len(span.ids) for span in tree))
    return [found[i] for i in range(len(prompts))]


def _batches(tree: Sequence[Span], tokens: int) -> Iterator[list[Span]]:
    """Yield spans of about one length, after those that they follow."""
    left = sorted(tree, key=lambda span: (len(span.before), -len(span.ids), -span.depth))
    while left:
        first, size, width = left[0], 0, 0
        for span in left:
            width = max(width, span.depth + len(span.ids))
            alike = len(span.before) == len(first.before) and len(span.ids) >= SHORTEST * len(first.ids)
            if size and not (alike and width * (size + 1) <= tokens):
                break
            size += 1
        yield left[:size]
        del left[:size]


def _forward(loaded: Loaded, pad: int, batch: Sequence[Span], cache: Any) -> Tensor:
    """Return the log probabilities of the next token, [rows, vocabulary], on the CPU."""
    import torch

    ids, _ = left_padded([span.ids for span in batch], pad)
    columns = max(span.depth + len(span.ids) for span in batch)
    lengths = torch.tensor([span.depth + len(span.ids) for span in batch])
    seen = torch.arange(columns)[None] >= columns - lengths[:, None]
    positions = (seen.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    logits = loaded.model(
        input_ids=ids.to(loaded.device),
        past_key_values=cache,
        use_cache=True,
        **accepted(
            loaded.model,
            attention_mask=seen.to(loaded.device),
            position_ids=positions.to(loaded.device),
            logits_to_keep=1,
        ),
    ).logits[:, -1]
    return logits.float().log_softmax(-1).cpu()  # type: ignore[no-any-return]
