"""Figures of conversations with tools: tasks that succeeded, calls, and what came after a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb

import numpy as np

from alpacabench.core.records import Generation, Outcome
from alpacabench.core.tasks import ending, right
from alpacabench.scoring.win_rate import wilson_interval

UNITS = {
    "task_success": "%", "task_success_ci_low": "%", "task_success_ci_high": "%", "turn_success": "%",
    "tool_calls": "calls per conversation", "invalid_call_rate": "%", "tool_recovery_rate": "%",
    "max_steps_rate": "%", "n_tool_failures": "calls", "pass_hat_k": "share",
}  # fmt: skip


def tool_units(n: int) -> dict[str, str]:
    """Return the names of the figures, each with its unit; `n` is decoding.n."""
    return UNITS | ({f"pass_hat_k/{k}": "share" for k in range(1, n + 1)} if n > 1 else {})


def tool_figures(outcomes: Sequence[Outcome], n: int) -> dict[str, float]:
    """Return the figures of a run; one that has nothing to be computed from is left out.

    A conversation is one sample of one prompt; one whose answer is missing is in none of the figures.
    `task_success` is the mean over prompts of the share of samples in which every turn came to what the row expects,
    with Wilson's interval; `turn_success` that of the share of turns. `pass_hat_k` is the mean over prompts of
    C(c, k) / C(n, k) with k = n = decoding.n: the unbiased estimate that k samples all succeed (Yao et al.,
    tau-bench, arXiv 2406.12045). `tool_recovery_rate` is the share of the conversations with an injected failure that
    recovered (`recovered`). Rates are in per cent.
    """
    held = [generation for outcome in outcomes for generation in outcome.generations if generation.text is not None]
    calls = [result for generation in held for step in generation.steps for result in step.results]
    figures = {"n_tool_failures": float(sum(bool(call.injected) for call in calls))}
    if held:
        figures["tool_calls"] = len(calls) / len(held)
        figures["max_steps_rate"] = sum(ending(g) == "max_steps" for g in held) / len(held) * 100
    if calls:
        figures["invalid_call_rate"] = sum(call.status == "invalid" for call in calls) / len(calls) * 100
    after = [known for generation in held if (known := recovered(generation)) is not None]
    if after:
        figures["tool_recovery_rate"] = sum(after) / len(after) * 100
    return figures | _of_tasks(outcomes, n)


def recovered(generation: Generation) -> bool | None:
    """Return whether a conversation recovered from its injected failures; None where there was none.

    It did where its task succeeded, or where a call in an answer after the last failure had a result.
    """
    failed = [i for i, step in enumerate(generation.steps) if any(result.injected for result in step.results)]
    if not failed:
        return None
    later = (result.status == "ok" for step in generation.steps[failed[-1] + 1 :] for result in step.results)
    return any(later) or (bool(came := right(generation)) and all(came))


def _of_tasks(outcomes: Sequence[Outcome], n: int) -> dict[str, float]:
    prompts = [found for outcome in outcomes if (found := list(_tasks(outcome)))]
    if not prompts:
        return {}
    shares = np.array([sum(map(all, tasks)) / len(tasks) for tasks in prompts])
    low, high = wilson_interval(shares)
    turns = [sum(sum(turns) / len(turns) for turns in tasks) / len(tasks) for tasks in prompts]
    figures = {
        "task_success": float(shares.mean()) * 100,
        "task_success_ci_low": low * 100, "task_success_ci_high": high * 100,
        "turn_success": sum(turns) / len(turns) * 100,
    }  # fmt: skip
    counts = [(sum(map(all, tasks)), len(tasks)) for tasks in prompts]
    for k in range(1, n + 1):
        enough = [pass_hat(c, have, k) for c, have in counts if have >= k]
        if enough:
            figures |= {f"pass_hat_k/{k}": sum(enough) / len(enough)} if n > 1 else {}
            figures |= {"pass_hat_k": sum(enough) / len(enough)} if k == n else {}
    return figures


def pass_hat(passed: int, n: int, k: int) -> float:
    """Return the unbiased estimate, from `passed` of n samples, of the probability that k samples all succeed."""
    return comb(passed, k) / comb(n, k)


def _tasks(outcome: Outcome) -> Iterator[tuple[bool, ...]]:
    yield from (came for generation in outcome.generations if (came := right(generation)))
