"""Read a preference from the log probabilities of the judge's tokens, in every shape in which servers send them.

Equal texts add up, what is impossible weighs nothing, and a list that is broken is no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from alpacabench.judge.base import UnparsableVerdictError

SPACES = " \t\r\n\u2581\u0120\u010a"
"""White space around a token's text, also as SentencePiece and byte-level BPE write it."""
IMPOSSIBLE = -1000.0
"""No softmax in float32 goes below; OpenAI's documentation gives -9999.0 for "very unlikely"."""
ROUNDING = 0.01
"""So far above 0 a log probability may be by rounding."""
FAINT = 1e-6
"""Spaced spellings with a smaller share than this are left out, as alpaca_eval leaves out all of them."""


def preference_from_logprobs(choice: Mapping[str, Any], first: str, second: str) -> float:
    """Return the preference in the order shown: 1 = the first answer wins, 2 = the second.

    2 - p(first) / (p(first) + p(second)), where a token that is not among the listed ones counts as impossible.
    Source: alpaca_eval 0.6.6, `completion_parsers.logprob_parser` with `is_binarize: false`.

    Raises:
        UnparsableVerdictError: neither token is listed and possible, or the log probabilities cannot be read.

    """
    positions = positions_of(choice)
    listed = _answering(positions, (first, second))
    weights = weigh(listed, (first, second))
    total = sum(weights.values())
    if total <= 0.0:
        raise UnparsableVerdictError(
            f"neither '{first}' nor '{second}' is among the tokens {str([text for text, _ in listed])[:200]}; "
            "what the judge answers with is set by judge.tokens"
        )
    return 2.0 - weights[first] / total


def positions_of(choice: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, float]]]]:
    """Return for each token of the answer its text and the (text, log probability) pairs that are listed there.

    A null log probability is -inf. Read are the lists of chat completions, and the older ones of completions, which
    llama-cpp-python, Together and Fireworks also send for chats.

    Raises:
        UnparsableVerdictError: there are none, or they have another shape.

    """
    found = choice.get("logprobs")
    if isinstance(found, dict) and not found.get("content") and isinstance(found.get("top_logprobs"), list):
        texts: Any = found.get("tokens")
        texts = texts if isinstance(texts, list) else []
        entries: Any = [
            {"token": texts[place] if place < len(texts) else "", "top_logprobs": top}
            for place, top in enumerate(found["top_logprobs"])
        ]
    else:
        entries = found.get("content") if isinstance(found, dict) else found
    if not entries:
        raise UnparsableVerdictError(
            "the answer has no log probabilities; where the server gives none, choose a judge that reads a written "
            "verdict, for example judge=gpt_4_1_cot judge.model_name=... judge.base_url=..."
        )
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UnparsableVerdictError(f"log probabilities in a shape that is not known: {str(found)[:200]}")
    return [(str(entry.get("token")), _pairs(entry.get("top_logprobs"))) for entry in entries]


def weigh(listed: Sequence[tuple[str, float]], tokens: Sequence[str]) -> dict[str, float]:
    """Return the weight of each token: the sum of what is listed for its text, relative to the likeliest of them.

    Raises:
        UnparsableVerdictError: one of these tokens has a log probability that is none: NaN, +inf, or above 0.

    """
    bare = [token.strip(SPACES) for token in tokens]
    spaced = len(set(bare)) == len(bare) and all(bare)
    wanted = [(text, value) for text, value in listed if text in tokens or (spaced and text.strip(SPACES) in bare)]
    broken = [value for _, value in wanted if math.isnan(value) or value > ROUNDING]
    if broken:
        raise UnparsableVerdictError(f"{broken[0]} is no log probability")
    if sum(math.exp(value) for _, value in wanted) > 1.0 + ROUNDING:
        # More than certain: the same entry stands twice, as where the sampled token is added to the likeliest ones.
        wanted = list(dict.fromkeys(wanted))
    top = max((value for _, value in wanted), default=-math.inf)
    if top <= IMPOSSIBLE:
        return dict.fromkeys(tokens, 0.0)
    exact = {token: sum(math.exp(v - top) for text, v in wanted if text == token) for token in tokens}
    others = {
        token: sum(math.exp(v - top) for text, v in wanted if text not in tokens and text.strip(SPACES) == form)
        for token, form in zip(tokens, bare, strict=True)
    }
    faint = sum(others.values()) < FAINT * sum(exact.values())
    return exact if faint else {token: exact[token] + others[token] for token in tokens}


def _answering(positions: list[tuple[str, list[tuple[str, float]]]], tokens: Sequence[str]) -> list[tuple[str, float]]:
    """Return what is listed where the answer begins: white space before it is no answer."""
    forms = {*tokens, *(token.strip(SPACES) for token in tokens)}
    for text, listed in positions:
        if text.strip(SPACES) or any(other in forms or other.strip(SPACES) in forms for other, _ in listed):
            return listed
    return positions[0][1]


def _pairs(top: Any) -> list[tuple[str, float]]:
    """Return a list of entries, or a mapping, as pairs; an entry without a number that can be one is broken."""
    if isinstance(top, dict):
        top = [{"token": text, "logprob": value} for text, value in top.items()]
    if top is None:
        return []
    if not isinstance(top, list) or not all(isinstance(e, dict) and isinstance(e.get("token"), str) for e in top):
        raise UnparsableVerdictError(f"log probabilities in a shape that is not known: {str(top)[:200]}")
    return [(entry["token"], _number(entry)) for entry in top]


def _number(entry: dict[str, Any]) -> float:
    value = entry.get("logprob", math.nan)
    if value is None or (isinstance(value, str) and value.lower() in ("-inf", "-infinity")):
        return -math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return math.nan
    return float(max(-1e300, min(value, 1e300)))
