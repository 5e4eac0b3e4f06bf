"""Read a preference from the log probabilities of the judge's tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from alpacabench.judge.base import UnparsableVerdictError


def preference_from_logprobs(choice: Mapping[str, Any], first: str, second: str, position: int = 0) -> float:
    """Return the preference in the order shown: 1 = the first answer wins, 2 = the second.

    2 - p(first) / (p(first) + p(second)), where a token that is not among the listed ones counts as impossible.
    Source: alpaca_eval 0.6.6, `completion_parsers.logprob_parser` with `is_binarize: false`.

    Raises:
        UnparsableVerdictError: neither token is listed, or there are no log probabilities.

    """
    content = (choice.get("logprobs") or {}).get("content") or []
    if not content:
        raise UnparsableVerdictError("the answer has no log probabilities")
    listed = {entry["token"]: entry["logprob"] for entry in content[position].get("top_logprobs") or []}
    known = {token: listed[token] for token in (first, second) if token in listed}
    if not known:
        raise UnparsableVerdictError(f"neither '{first}' nor '{second}' is among the tokens {list(listed)}")
    top = max(known.values())
    weights = {token: math.exp(value - top) for token, value in known.items()}
    return 2.0 - weights.get(first, 0.0) / sum(weights.values())
