"""Read a preference from the log probabilities of the judge's tokens, in every shape in which servers send them.

Equal texts add up, what is impossible weighs nothing, and a list that is broken is no verdict.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from alpacabench.core.reasoning import conclusion_start
from alpacabench.judge.base import UnparsableVerdictError

SPACES = " \t\r\n\u2581\u0120\u010a"
"""White space around a token's text, also as SentencePiece and byte-level BPE write it."""
IMPOSSIBLE = -1000.0
"""No softmax in float32 goes below; OpenAI's documentation gives -9999.0 for "very unlikely"."""
ROUNDING = 0.01
"""So far above 0 a log probability may be by rounding."""
FAINT = 1e-6
"""Spaced spellings with a smaller share than this are left out, as alpaca_eval leaves out all of them."""
_LAST_MARKS = re.compile(r"(?:\s|<[^<>\s]*>)+\Z")
"""Marks of the end of a turn, which have a place among the tokens and none in the text."""

Position = tuple[str, list[tuple[str, float]]]
"""A token's text, and the (text, log probability) pairs that are listed in its place."""
REMEDY = (
    "where the server gives none, choose a judge that reads a written verdict, for example judge=gpt_4_1_cot "
    "judge.model_name=... judge.base_url=..."
)


def preference_from_logprobs(
    choice: Mapping[str, Any], first: str, second: str, said: str = "", least: float = 0.0
) -> float:
    """Return the preference in the order shown: 1 = the first answer wins, 2 = the second.

    2 - p(first) / (p(first) + p(second)), where a token that is not among the listed ones counts as impossible.
    Source: alpaca_eval 0.6.6, `completion_parsers.logprob_parser` with `is_binarize: false`.

    Args:
        choice: as the server sent it.
        first: what the judge answers where the first answer shown is better.
        second: the same of the second.
        said: the text of the answer, which tells where it begins behind a trace that the server has taken out of it.
        least: the least probability of the two tokens together: below it the answer is another one.

    Raises:
        UnparsableVerdictError: neither token is listed and likely, or the log probabilities cannot be read.

    """
    positions = after_trace(positions_of(choice), said)
    listed = _answering(positions, (first, second))
    weights = weigh(listed, (first, second))
    total = sum(weights.values()) if share(listed, (first, second)) >= least else 0.0
    if not any(others for _, others in positions):
        raise UnparsableVerdictError(f"the answer has no log probabilities beside its own tokens'; {REMEDY}")
    if total <= 0.0:
        raise UnparsableVerdictError(
            f"neither '{first}' nor '{second}' is likely among the tokens {str([text for text, _ in listed])[:200]}; "
            "what the judge answers with is set by judge.tokens"
        )
    return 2.0 - weights[first] / total


def positions_of(choice: Mapping[str, Any]) -> list[Position]:
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
        raise UnparsableVerdictError(f"the answer has no log probabilities; {REMEDY}")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UnparsableVerdictError(f"log probabilities in a shape that is not known: {str(found)[:200]}")
    return [(_text(entry) or "", _pairs(entry.get("top_logprobs"))) for entry in entries]


def after_trace(positions: list[Position], said: str) -> list[Position]:
    """Return the positions of the answer itself, without those of a reasoning trace before it.

    Raises:
        UnparsableVerdictError: the answer was cut in its trace, so that it says nothing yet.

    """
    written = "".join(text for text, _ in positions)
    start = conclusion_start(written)
    if start is None or (start and not written[start:].strip()):
        raise UnparsableVerdictError("the answer was cut in its reasoning trace: raise judge.max_tokens")
    ended = _LAST_MARKS.sub("", written)
    if not start and said and ended.endswith(said):
        start = len(ended) - len(said)
    ends = accumulate(len(text) for text, _ in positions)
    return [position for position, end in zip(positions, ends, strict=True) if end > start] if start else positions


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


def _answering(positions: list[Position], tokens: Sequence[str]) -> list[tuple[str, float]]:
    """Return what is listed where the answer begins: of the first word and the marks before it the likeliest place."""
    first = next((place for place, (text, _) in enumerate(positions) if any(map(str.isalnum, text))), 0)
    return max((listed for _, listed in positions[: first + 1]), key=lambda listed: share(listed, tokens))


def share(listed: Sequence[tuple[str, float]], tokens: Sequence[str]) -> float:
    """Return the probability of these tokens together, as far as it can be read."""
    forms = {*tokens, *(token.strip(SPACES) for token in tokens)}
    values = (value for text, value in listed if text in forms or text.strip(SPACES) in forms)
    return sum(math.exp(value) for value in values if value <= ROUNDING)


def _pairs(top: Any) -> list[tuple[str, float]]:
    """Return a list of entries, or a mapping, as pairs; an entry without a number that can be one is broken."""
    if isinstance(top, dict):
        named = {text: value if isinstance(value, dict) else {"logprob": value} for text, value in top.items()}
        top = [{"token": text, **value} for text, value in named.items()]
    if top is None:
        return []
    texts = [_text(entry) for entry in top] if isinstance(top, list) else [None]
    if None in texts:
        raise UnparsableVerdictError(f"log probabilities in a shape that is not known: {str(top)[:200]}")
    return [(str(text), _number(entry)) for text, entry in zip(texts, top, strict=True)]


def _text(entry: Any) -> str | None:
    """Return a token's text, None where an entry names none; that of a special token may be null, which is empty."""
    if not isinstance(entry, dict):
        return None
    # vLLM may name an id, and the text beside it; others give the bytes alone.
    text = entry.get("decoded_token") or entry.get("token")
    if text is None and isinstance(entry.get("bytes"), list):
        try:
            text = bytes(entry["bytes"]).decode("utf-8", "replace")
        except (TypeError, ValueError):
            return None
    text = "" if text is None and "token" in entry else text
    return text if isinstance(text, str) else None


def _number(entry: dict[str, Any]) -> float:
    value = entry.get("logprob", math.nan)
    if value is None:
        return -math.inf
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return math.nan
    return float(max(-1e300, min(value, 1e300)))
