"""Length-controlled (LC) win rate: what the win rate would be if both answers were equally long.

Per run: logit p_i = w_len tanh((len_reference - len_model) / sd) + w_difficulty d_i + w_0, and LC = mean of
sigmoid(w_difficulty d_i + w_0). Model and data: Dubois et al. 2024 (arXiv:2404.04475) and alpaca_eval 0.6.6. Unlike
there, difficulty follows the instruction's text, the penalty is fixed, and the error includes the refit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from alpacabench.scoring import cautions, glm
from alpacabench.scoring.arrays import Floats, compact_counts, percentile_interval, standard_error
from alpacabench.scoring.cautions import OfFit
from alpacabench.scoring.difficulty import DifficultyTable
from alpacabench.scoring.pairs import JUDGE, MIN_ROWS, REFERENCE, Pairs, Refusal

C = float(10 ** (4 / 3))
"""21.54, the seventh of alpaca_eval's ten penalties: within 0.11 points of every published value."""
GAMED_WEIGHT = 0.1
"""Weight of a gamed baseline's row where all prompts are scored: alpaca_eval's lambda of 0.2 over two baselines."""
FEW_ROWS = 200
ONE_SIDED_MEAN, ONE_SIDED_SD = 0.9, 0.2
"""Beyond these, all answers are on one side of the reference's length: w_len and w_0 cannot be told apart."""
MIN_WINS = 3
"""Summed over soft verdicts, for either side: with less, the penalty and not the data sets w_0."""
MAX_W_LEN = 10
"""Real judges: -1.5 with a standard deviation of 0.4. Beyond, length alone decides and equal length was never seen."""


@dataclass(frozen=True)
class LengthControlled:
    """LC win rate with its uncertainty; rates in percentage points."""

    value: float
    standard_error: float
    """From the influence function, refit included."""
    bootstrap_standard_error: float
    ci_low: float
    ci_high: float
    """95% bootstrap interval, refit included."""
    standard_error_alpaca_eval: float
    """What alpaca_eval prints: the spread of the fitted probabilities, 1.8 to 6 times too small."""
    C: float
    w_len: float
    w_difficulty: float | None
    """None where difficulty is not in the model."""
    w_0: float
    n: int
    regularised: bool
    """Whether the gamed baselines were in the fit."""
    warnings: tuple[str, ...]
    seed: int
    instructions: tuple[str, ...] = field(repr=False)
    influence: Floats = field(repr=False, compare=False)
    """Influence of each row, in points, in the order of `instructions`."""
    draws: Floats = field(repr=False, compare=False)
    """Bootstrap values in points; runs with the same instructions and seed share their resamples."""

    def metrics(self) -> dict[str, float]:
        """Return the figures under their MLflow names; the unregularised variant never takes the other's names."""
        suffix = "" if self.regularised else "_noreg"
        values = (
            self.value, self.standard_error, self.bootstrap_standard_error, self.standard_error_alpaca_eval,
            self.ci_low, self.ci_high, self.C, self.w_len,
        )  # fmt: skip
        return {name + suffix: value for name, value in zip(UNITS, values, strict=True)}


UNITS = {
    "length_controlled_winrate": "%", "lc_standard_error": "%", "lc_standard_error_bootstrap": "%",
    "lc_standard_error_alpaca_eval": "%", "lc_ci_low": "%", "lc_ci_high": "%", "lc_C": "", "lc_w_len": "",
}  # fmt: skip
"""Of the figures of `LengthControlled`, in the order of `metrics`."""
NOREG_UNITS = {f"{name}_noreg": unit for name, unit in UNITS.items()}


def length_controlled(
    pairs: Pairs, table: DifficultyTable | None, judge: str, reference: str, draws: int = 500, seed: int = 0
) -> LengthControlled | Refusal:
    """Return `length_controlled_winrate`, with the gamed baselines in the fit, or why it would mean nothing.

    Refused without the table, for another judge or reference than the table's, and where any instruction has no
    difficulty: one foreign prompt makes it another quantity than the published one.
    """
    metric = "length_controlled_winrate"
    reason = why_not_regularised(pairs, table, judge, reference) or _why_no_fit(pairs)
    if reason or table is None:
        return Refusal(metric, reason, needs_table=table is None)
    difficulty = np.array([table.difficulty[text] for text in pairs.instructions])
    features = np.column_stack([pairs.tanh_length, difficulty, np.ones(len(pairs))])
    return _fit(pairs, features, table, draws, seed)


def length_controlled_noreg(
    pairs: Pairs, table: DifficultyTable | None = None, draws: int = 500, seed: int = 0
) -> LengthControlled | Refusal:
    """Return `length_controlled_winrate_noreg`, for other judges, references and prompts, or why it means nothing.

    alpaca_eval's `length_controlled_noreg`: no gamed baselines. Difficulty is in the model where it is known for every
    instruction. The small L1 penalty stays, so that the fit exists.
    """
    metric = "length_controlled_winrate_noreg"
    reason = _why_no_fit(pairs) or cautions.against(_rests_on(pairs, regularised=False))
    if reason:
        return Refusal(metric, reason)
    columns = [pairs.tanh_length, np.ones(len(pairs))]
    if table is not None and not table.unknown(pairs.instructions):
        columns.insert(1, np.array([table.difficulty[text] for text in pairs.instructions]))
    result = _fit(pairs, np.column_stack(columns), None, draws, seed)
    if abs(result.w_len) > MAX_W_LEN:
        return Refusal(metric, f"length alone decides the verdicts: its weight is {result.w_len:.0f}, usual is -1.5")
    return result


def why_not_regularised(pairs: Pairs, table: DifficultyTable | None, judge: str, reference: str) -> str:
    """Return why the gamed baselines do not belong in this run's fit; empty if they do."""
    if table is None:
        return "prompt difficulties are not at hand: set scoring.lc_data to df_gamed.csv"
    if (judge, reference) != (JUDGE, REFERENCE):
        return f"its baselines were judged by {JUDGE} against {REFERENCE}; here {judge} against {reference}"
    unknown = table.unknown(pairs.instructions)
    if unknown:
        return f"{len(unknown)} of {len(pairs)} instructions have no known difficulty, such as {unknown[0][:60]!r}"
    return ""


def _why_no_fit(pairs: Pairs) -> str:
    if len(pairs) < MIN_ROWS:
        return f"{len(pairs)} scored prompts are too few for three weights; {MIN_ROWS} are the least"
    if not np.any(pairs.tanh_length):
        return "every answer differs from the reference's length by the same amount: there is no length to control for"
    return ""


def _rests_on(pairs: Pairs, regularised: bool) -> OfFit:
    mean, spread = float(np.mean(pairs.tanh_length)), float(np.std(pairs.tanh_length))
    one_sided = abs(mean) > ONE_SIDED_MEAN and spread < ONE_SIDED_SD
    return OfFit(len(pairs), FEW_ROWS, float(np.sum(pairs.y)), MIN_WINS, mean < 0, one_sided, regularised)


def _fit(pairs: Pairs, features: Floats, table: DifficultyTable | None, draws: int, seed: int) -> LengthControlled:
    n, rows, y, weights, penalty = len(pairs), features, pairs.y, np.ones((1, len(pairs))), C
    if table is not None:
        rows = np.vstack([features, table.gamed_features])
        y = np.concatenate([y, table.gamed_outcomes])
        # A subset stands for the whole: the baselines and the penalty pull at it as they pull at all prompts.
        part = 2 * n / len(table.gamed_outcomes)
        weights = np.hstack([weights, np.full((1, len(table.gamed_outcomes)), GAMED_WEIGHT * part)])
        penalty = C / part
    w = glm.fit(rows, y, weights, penalty)
    level = _at_equal_length(features)
    fitted = glm.logistic(level @ w[0])
    value = float(np.mean(fitted))
    influence = (fitted - value + _refit_influence(rows, y, weights, w, level, fitted)[:n]) * 100

    counts = compact_counts(n, draws, seed)
    baselines = np.broadcast_to(weights[:, n:], (draws, weights.shape[1] - n))
    resampled = counts if table is None else np.hstack([counts, baselines])
    refits = glm.fit(rows, y, resampled, penalty, start=w[0])
    values = glm.by_block(lambda times, w: np.einsum("fr,fr->f", times, glm.logistic(w @ level.T)), counts, refits)
    values = values / n * 100
    low, high = percentile_interval(values)
    return LengthControlled(
        value=value * 100,
        standard_error=standard_error(influence),
        bootstrap_standard_error=float(np.std(values, ddof=1)),
        ci_low=low,
        ci_high=high,
        standard_error_alpaca_eval=standard_error(fitted) * 100,
        C=penalty,
        w_len=float(w[0, 0]),
        w_difficulty=float(w[0, 1]) if features.shape[1] == 3 else None,
        w_0=float(w[0, -1]),
        n=n,
        regularised=table is not None,
        warnings=tuple(cautions.of_fit(_rests_on(pairs, regularised=table is not None))),
        seed=seed,
        instructions=pairs.instructions,
        influence=influence,
        draws=values,
    )


def _at_equal_length(features: Floats) -> Floats:
    level = features.copy()
    level[:, 0] = 0
    return level


def _refit_influence(rows: Floats, y: Floats, weights: Floats, w: Floats, level: Floats, fitted: Floats) -> Floats:
    """Return n g' H^-1 x_i (y_i - p_i): how each row moves LC through the weights that the penalty leaves free."""
    free = np.flatnonzero(w[0])
    gradient = np.mean((fitted * (1 - fitted))[:, None] * level, axis=0)[free]
    curvature = glm.hessian(rows, weights, w)[0][np.ix_(free, free)]
    direction = np.linalg.solve(curvature, gradient)
    residual = y - glm.logistic(rows @ w[0])
    return np.asarray(len(level) * residual * (rows[:, free] @ direction))
