"""Secondary figures under a prefix in MLflow, which folds them: win rates and costs stay in front.

Files, documentation and `objective` have every figure under its plain name.
"""

from __future__ import annotations

from collections.abc import Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "screen": (
        "unique_output_share", "top_output_share", "specificity", "compress_ratio", "injection_share", "empty_share",
        "avg_length", "median_length", "len_ratio_vs_baseline", "truncated_share",
    ),
    "tools": (
        "task_success_ci_low", "task_success_ci_high", "turn_success", "tool_calls", "invalid_call_rate",
        "tool_recovery_rate", "max_steps_rate", "n_tool_failures",
    ),
    "judge": ("position_gap", "position_gap_se", "order_consistency", "n_one_order", "judge_confident_share"),
    "cost": (
        "n_generated", "n_generated_cached", "n_judged", "n_judged_cached", "n_written", "n_written_cached",
        "prompt_tokens", "completion_tokens", "judge_prompt_tokens", "judge_completion_tokens",
        "writer_prompt_tokens", "writer_completion_tokens", "full_cost_usd",
    ),
    "time": (
        "seconds_per_answer", "generate_seconds", "judge_seconds", "generated_tokens_per_second",
        "latency_p50_seconds", "latency_p95_seconds", "model_loads", "peak_memory_bytes",
    ),
}  # fmt: skip
"""By prefix: the figures that stand under it."""

_PREFIX = {name: prefix for prefix, names in GROUPS.items() for name in names}


def grouped(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the figures under the names that they have in MLflow, in their order."""
    return {f"{_PREFIX[name]}/{name}" if name in _PREFIX else name: value for name, value in metrics.items()}
