"""What the page of a comparison shows: two runs on the same prompts, A (before) and B (after)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alpacabench.analysis.decision import MARGIN
from alpacabench.analysis.estimate import Estimate, Number


@dataclass(frozen=True, slots=True)
class FlippedPrompt:
    """A prompt whose winner is another one in B than in A."""

    index: int
    instruction: str
    reference: str | None
    output_a: str | None
    output_b: str | None
    preference_a: float
    """In [1, 2], as in `Verdict`."""
    preference_b: float
    reasons: tuple[str, ...] = ()
    """Why it may have flipped, the most telling first: refusal, language, truncation, format, length."""
    source: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class SliceDelta:
    """The difference on a part of the prompts."""

    name: str
    delta: Estimate
    n: int


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """Everything that the page of a comparison shows; rates and differences (B - A) in percentage points."""

    name_a: str
    name_b: str
    judge: str
    reference: str
    n: int
    """Paired prompts: those with a verdict in both runs."""
    win_rate_a: Estimate
    win_rate_b: Estimate
    delta_wr: Estimate
    win_to_loss: int
    """Prompts that A wins and B does not."""
    loss_to_win: int
    mcnemar_p: float
    """Exact test on the flips."""
    lc_a: Estimate | None = None
    lc_b: Estimate | None = None
    delta_lc: Estimate | None = None
    raw_minus_lc: Estimate | None = None
    """`delta_wr` minus `delta_lc`, tested directly: what of the raw difference is length."""
    lc_name: str = "length_controlled_winrate"
    """The metric behind the three: the `_noreg` variant is named as such."""
    margin: float = MARGIN
    """Equivalence margin in points."""
    equivalent: bool | None = None
    """Whether the 90% interval of `delta_wr` lies within the margin (TOST)."""
    established: bool = False
    """Whether the win rates are shown to differ, by the exact test as well."""
    complete: bool = True
    """Whether both runs have a verdict on every prompt."""
    detectable: float | None = None
    """Difference in points that is found with 80% power; None where too few prompts changed to tell."""
    saturated: bool = False
    """Whether every verdict is the same win, loss or draw, so that nothing can be concluded."""
    undecided: float | None = None
    """Percent of the verdicts on which the judge is undecided, where that is most of them."""
    scores: tuple[tuple[float, float], ...] = ()
    """Score of each paired prompt in A and in B, in percent."""
    flips: tuple[FlippedPrompt, ...] = ()
    slices: Mapping[str, tuple[SliceDelta, ...]] = field(default_factory=dict)
    """By the name of the breakdown: source, category."""
    metrics: Mapping[str, Number] = field(default_factory=dict)
    """Pair metrics, named as in MLflow (`variance_reduction`, `rho`, `mde_80_paired`, ...)."""
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What was chosen otherwise: key to A's value and B's."""
    about: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
