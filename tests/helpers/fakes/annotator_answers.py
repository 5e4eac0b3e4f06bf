"""Answers in the form that each of alpaca_eval's annotator configs asks for, preferring the first answer shown."""

from __future__ import annotations

from typing import Any

from alpacabench.judge.annotator import Annotator

RANKING = "[{{'model': '{0}', 'rank': 1}}, {{'model': '{1}', 'rank': 2}}]"


def preferring_first(config: Annotator) -> dict[str, Any]:
    """Return a choice in which the first answer wins."""
    parser, arguments = config.parser, config.parser_arguments
    if parser == "logprob_parser":
        first = arguments["numerator_token"]
        second = next(t for t in arguments["denominator_tokens"] if t != first)
        top = [{"token": first, "logprob": -0.1}, {"token": second, "logprob": -2.4}]
        content = [{"token": "because", "logprob": -1.0, "top_logprobs": []}] * (arguments.get("log_prob_index") == -1)
        logprobs = {"content": [*content, {"token": first, "logprob": -0.1, "top_logprobs": top}]}
        return {"message": {"role": "assistant", "content": first}, "logprobs": logprobs}
    if parser == "pipeline_meta_parser":
        name = arguments["parsers_to_kwargs"]["ranking_parser"].get("model_1_name", "model_1")
        call = f'{{"ordered_models": [{{"model": "{name}", "rank": 1}}, {{"model": "other", "rank": 2}}]}}'
        return {"message": {"role": "assistant", "content": None, "tool_calls": [{"function": {"arguments": call}}]}}
    text = {
        "ranking_parser": RANKING.format("model_1", "model_2"),
        "lmsys_parser": "9 4\nThe first one is better.",
    }.get(parser, "[[A]]" if "[[A]]" in str(arguments) else "Output (a)")
    return {"message": {"role": "assistant", "content": text}, "text": text}
