"""Which metrics a configuration gives: what `objective` may name. Nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass

ALWAYS = (
    "win_rate", "standard_error", "win_rate_ci_low", "win_rate_ci_high", "discrete_win_rate", "n_wins", "n_wins_base",
    "n_draws", "n_total", "n_failed", "avg_length", "len_ratio_vs_baseline", "judge_confident_share", "mde_80_paired",
    "unique_output_share", "specificity", "compress_ratio", "injection_share", "empty_share", "truncated_share",
    "win_rate_first", "win_rate_second", "position_gap", "win_rate_slot_balanced", "cost_usd",
)  # fmt: skip
JUDGE = "weighted_alpaca_eval_gpt4_turbo"
REFERENCE = "gpt4_1106_preview"
"""The judge and the reference for which the gamed baselines were judged; under another one they do not transfer."""
MIN_ROWS = 30
"""Scored prompts that a fit on length or difficulty needs: ten for each weight."""


@dataclass(frozen=True)
class Foreseen:
    """What is known of a run before its data is read; None is unknown, and rules nothing out."""

    has_difficulty: bool
    """Whether the prompts' difficulties are published."""
    order: str
    judge: str | None
    reference: str | None
    """Generator of the reference outputs."""
    whole: bool
    """Whether every prompt of the data set is evaluated."""
    at_most: int | None
    """The most prompts that can be evaluated."""

    @property
    def regularised(self) -> bool | None:
        """Whether the length control has its gamed baselines."""
        if not self.has_difficulty or self.judge not in (None, JUDGE) or self.reference not in (None, REFERENCE):
            return False
        return None if self.judge is None or self.reference is None else True


def metric_names(run: Foreseen) -> list[str]:
    """Return the metrics that the run can have."""
    names = [*ALWAYS, *(["order_consistency", "n_one_order"] if run.order == "both" else [])]
    if run.at_most is not None and run.at_most < MIN_ROWS:
        return names
    if run.regularised is not False:
        names += ["length_controlled_winrate", "length_controlled_winrate_official"]
    if run.regularised is not True:
        names.append("length_controlled_winrate_noreg")
    return names + (["win_rate_filled"] if run.has_difficulty and not run.whole else [])
