"""Sampling that depends on nothing but the generation key and the step: a counter-based generator and Gumbel noise.

Adding Gumbel noise to the log probabilities and taking the largest draws a sample (Gumbel-max). A token's noise is a
hash of (key, step, token id), so that batch row, rank and process count cannot matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from alpacabench.inference.spec import DecodeSpec

if TYPE_CHECKING:
    from torch import Tensor

NUCLEUS = (256, 4096)
"""How many of the likeliest tokens are sorted first, and then; where they do not hold `top_p`, all are."""

_STEP, _TOKEN = 0x632BE59BD9B4E019, 0x1E3779B97F4A7C15
_MIX = ((30, -0x40A7B892E31B1A47), (27, -0x6B2FB644ECCEEE15), (31, 1))
"""SplitMix64's shifts and multipliers as signed 64-bit integers."""


def seed_of(key: str) -> int:
    """Return the signed 64-bit seed of a hexadecimal key."""
    return int.from_bytes(bytes.fromhex(key[:16]), "big", signed=True)


def gumbel(seeds: Tensor, steps: Tensor, tokens: Tensor) -> Tensor:
    """Return Gumbel(0, 1) noise for each row's tokens.

    Args:
        seeds: [rows], int64.
        steps: [rows], int64: how many tokens the answer has so far.
        tokens: [rows, candidates] or [1, candidates], int64 token ids.

    """
    state = _hash(seeds + steps * _STEP)[:, None] + tokens * _TOKEN
    bits = _logical_shift(_hash(state), 11)
    uniform = (bits.double() + 0.5) / 2**53
    return -(-uniform.log()).log()


def choose_each(logits: Tensor, specs: Sequence[DecodeSpec], seeds: Tensor, steps: Tensor) -> Tensor:
    """Return one token id per row, each by its own values: what `choose` returns for the row alone.

    Args:
        logits: [rows, vocabulary], float32.
        specs: of each row.
        seeds: [rows], int64.
        steps: [rows], int64.

    """
    import torch

    alike: dict[tuple[float, int, float], list[int]] = {}
    for row, spec in enumerate(specs):
        alike.setdefault((spec.temperature, spec.top_k, spec.top_p) if spec.temperature else (0.0, 0, 1.0), []).append(
            row
        )
    if len(alike) <= 1:
        return choose(logits, specs[0], seeds, steps) if specs else seeds
    tokens = torch.empty_like(seeds)
    for rows in alike.values():
        at = torch.tensor(rows, device=logits.device)
        tokens[at] = choose(logits[at], specs[rows[0]], seeds[at], steps[at])
    return tokens


def choose(logits: Tensor, spec: DecodeSpec, seeds: Tensor, steps: Tensor) -> Tensor:
    """Return one token id per row: greedy at temperature 0, else drawn from the filtered distribution.

    Args:
        logits: [rows, vocabulary], float32.
        spec: temperature, top_k (0 keeps all) and top_p, applied in this order, as transformers does.
        seeds: [rows], int64.
        steps: [rows], int64.

    """
    if spec.temperature == 0:
        return logits.argmax(-1)
    scores, tokens = candidates(logits.float() / spec.temperature, spec)
    best = (scores.double() + gumbel(seeds, steps, tokens)).argmax(-1, keepdim=True)
    return tokens.expand(len(logits), -1).gather(-1, best).squeeze(-1)


def candidates(scores: Tensor, spec: DecodeSpec) -> tuple[Tensor, Tensor]:
    """Return the scores and ids of the tokens that top-k and top-p keep, others at minus infinity."""
    import torch

    vocabulary = scores.shape[-1]
    if not spec.top_k and spec.top_p >= 1:
        return scores, torch.arange(vocabulary, device=scores.device)[None]
    if spec.top_k:
        top, tokens = scores.topk(min(spec.top_k, vocabulary), dim=-1)
        total = top.logsumexp(-1, keepdim=True)
        return (_nucleus(top, total, spec.top_p)[0] if spec.top_p < 1 else top), tokens
    total = scores.logsumexp(-1, keepdim=True)
    for width in NUCLEUS:
        if width < vocabulary:
            top, tokens = scores.topk(width, dim=-1)
            kept, whole = _nucleus(top, total, spec.top_p)
            if whole:
                return kept, tokens
    top, tokens = scores.sort(dim=-1, descending=True)
    return _nucleus(top, total, spec.top_p)[0], tokens


def _nucleus(top: Tensor, total: Tensor, top_p: float) -> tuple[Tensor, bool]:
    """Return sorted scores, those behind the nucleus at minus infinity, and whether it ends before the last of each."""
    import torch

    share = (top - total).exp()
    before = share.cumsum(-1) - share
    return top.masked_fill(before >= top_p, -torch.inf), not bool((before[:, -1] < top_p).any())


def _hash(state: Tensor) -> Tensor:
    """SplitMix64's finaliser; multiplication wraps around at 64 bits."""
    for shift, factor in _MIX:
        state = (state ^ _logical_shift(state, shift)) * factor
    return state


def _logical_shift(value: Tensor, bits: int) -> Tensor:
    return (value >> bits) & ((1 << (64 - bits)) - 1)
