"""What the page of an ablation shows: families, their variants against the base and the noise floor, and prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from alpacabench.analysis.decision import MARGIN, differs, side
from alpacabench.analysis.estimate import Estimate


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One variant against the base, on the prompts on which it counts; rates and differences in percentage points."""

    name: str
    family: str
    kind: Literal["robustness", "effect", "floor"]
    strength: float | None
    n: int
    """Paired prompts: verdicts in both, and the same task unless the family changes it on purpose."""
    n_rejected: int
    """Prompts on which the gate holds that the task changed."""
    win_rate: Estimate
    """The variant's own, on all its prompts."""
    delta_wr: Estimate
    delta_p: float
    mde_80: float
    detectable: float | None
    """`mde_80`; None where too few prompts changed to tell what is found."""
    equivalent: bool
    """Whether the 90% interval of `delta_wr` lies within the margin (TOST)."""
    equivalence_p: float
    delta_lc: Estimate | None
    lc_name: str
    """The metric behind `delta_lc`: the `_noreg` variant is named as such."""
    delta_len_ratio: float | None
    """Mean length of the variant's answers over that of the base's."""
    flip_rate: Estimate
    n_win_to_loss: int
    n_loss_to_win: int
    mcnemar_p: float
    excess_flip: Estimate | None = None
    """Flip rate less that between two decodes of the unchanged prompts; None without re-decodes."""
    excess_p: float | None = None
    """Exact, one-sided: whether the variant is no more than one decode among the others."""
    p_holm: float | None = None
    """The smaller of `delta_p` and `excess_p`, adjusted for all tests of the ablation; None for a floor."""
    delta_p_holm: float | None = None
    """`delta_p` alone, adjusted as `p_holm`: whether the win rate moves, and not only its winners."""
    unchanged_share: float | None = None
    """Share in percent of prompts that the family left as they were; None where the files do not tell."""
    edit_ratio_mean: float | None = None
    delta_changed: Estimate | None = None
    """`delta_wr` on the changed prompts alone."""
    violation_rate: float | None = None
    """Share in percent of answers that exceed the length that the variant asks for; None where it asks for none."""
    pdr: float | None = None
    """Performance drop rate (PromptBench): 1 - the variant's win rate / the base's, on the prompts compared; None where
    the base wins too little for a ratio."""
    slot_flip_share: float | None = None
    """Share in percent of prompts whose slot alpaca_eval would choose anew if it read the variant."""

    @property
    def size(self) -> float:
        """How much the variant does, in points: the larger of the shift of the win rate and the excess flips."""
        return max(abs(self.delta_wr.value), self.excess_flip.value if self.excess_flip else 0.0)

    @property
    def sensitive(self) -> bool:
        """Whether it differs from the base beyond chance, adjusted for all tests of the ablation."""
        return differs(self.p_holm)

    @property
    def moves(self) -> bool:
        """Whether the win rate itself is shown to differ from the base's."""
        return self.sensitive and side(self.delta_wr) != 0 and differs(self.delta_p_holm)

    @property
    def verdict(self) -> str:
        """What is established, in a word or two."""
        return _verdict(self)


@dataclass(frozen=True, slots=True)
class Dose:
    """The response to a family's strength."""

    slope: Estimate
    """Points for each unit of strength."""
    points: tuple[tuple[float, Estimate], ...]
    """Strength and difference to the base; the base first."""
    non_monotone: bool
    """Whether the curve both rises and falls, each beyond chance."""


@dataclass(frozen=True, slots=True)
class Family:
    """The variants of one family."""

    name: str
    kind: Literal["robustness", "effect"]
    rows: tuple[VariantRow, ...]
    dose: Dose | None = None

    @property
    def sensitive(self) -> bool:
        """Whether any variant differs from the base beyond chance."""
        return any(row.sensitive for row in self.rows)

    @property
    def equivalent(self) -> bool:
        """Whether every variant's win rate is shown to lie within the margin."""
        return all(row.equivalent for row in self.rows)

    @property
    def strongest(self) -> VariantRow:
        """The variant that does most; established ones first."""
        return max(self.rows, key=lambda row: (row.sensitive, row.size))

    @property
    def verdict(self) -> str:
        """What is established, in a word or two."""
        return _verdict(self)


def _verdict(found: VariantRow | Family) -> str:
    if found.sensitive:
        return "effect" if found.kind == "effect" else "sensitive"
    return "equivalent" if found.equivalent else "not shown"


@dataclass(frozen=True, slots=True)
class OfK:
    """A statistic over k wordings, and over k decodes of the unchanged prompts."""

    name: str
    """As in MLflow."""
    wordings: Estimate | None
    decodes: Estimate | None
    excess: Estimate | None
    excess_p: float | None = None
    """Exact, that wordings and decodes are alike in it on each prompt; None where it is no mean over prompts."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Statistics over several wordings of each prompt, the original being one of them."""

    n: int
    k: int
    """How many are drawn; on prompts where fewer wordings count, as many as there are."""
    n_wordings: int
    n_decodes: int
    statistics: tuple[OfK, ...]
    pss_max: float
    """The largest PSS that so many outcomes can have."""
    robustness: Estimate | None
    """1 - (PSS - PSS of the decodes) / pss_max; None without re-decodes."""


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A family's difference to the base on a part of the prompts."""

    breakdown: str
    """category or structural tag."""
    name: str
    n: int
    """Prompts in the slice."""
    families: Mapping[str, Estimate]
    """Difference of the win rate in points, the mean over the family's variants."""


@dataclass(frozen=True, slots=True)
class Reworded:
    """One variant of a prompt and what came of it."""

    variant: str
    text: str
    system: str | None
    output: str | None
    preference: float
    """In [1, 2]."""


@dataclass(frozen=True, slots=True)
class FlippingPrompt:
    """A prompt whose winner changes with its wording."""

    index: int
    instruction: str
    category: str
    reference: str | None
    output: str | None
    preference: float
    """The base's, in [1, 2]."""
    n_flipped: int
    n_variants: int
    n_floor_flipped: int
    n_floors: int
    variants: tuple[Reworded, ...]
    """Those that flip, the largest change first."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A prompt on which a variant changed the task, and why the gate holds so."""

    variant: str
    index: int
    instruction: str
    text: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AblationTable:
    """Everything that the page of an ablation shows."""

    title: str
    base: str
    win_rate: Estimate
    n: int
    families: tuple[Family, ...]
    """The most sensitive first."""
    floors: tuple[VariantRow, ...] = ()
    floor_flip_rate: Estimate | None = None
    """Between two decodes of the unchanged prompts, in percent; None without re-decodes."""
    floor_shift: float | None = None
    """Mean distance between the win rates of two decodes, in points."""
    spread: Spread | None = None
    undecided_share: float = 0.0
    """Percent of the unchanged prompts on which the judge's preference lies between 45% and 55%."""
    saturated: str = ""
    """'a loss', 'a win' or 'a draw' where every verdict of every run is that: then nothing can be concluded."""
    margin: float = MARGIN
    n_tests: int = 0
    slices: tuple[SliceRow, ...] = ()
    n_small_slices: int = 0
    """Slices that are not shown because they hold too few prompts."""
    flipping: tuple[FlippingPrompt, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def undecided(self) -> bool:
        """Whether the judge hardly tells the answers apart, so that no win rate can move."""
        from alpacabench.scoring.saturation import MOSTLY

        return self.undecided_share > MOSTLY

    @property
    def robustness_families(self) -> tuple[Family, ...]:
        """Families that keep the task."""
        return tuple(family for family in self.families if family.kind == "robustness")

    @property
    def effects(self) -> tuple[Family, ...]:
        """Families that change the task on purpose."""
        return tuple(family for family in self.families if family.kind == "effect")

    @property
    def rows(self) -> tuple[VariantRow, ...]:
        """Every variant."""
        return tuple(row for family in self.families for row in family.rows)

    def as_json(self) -> dict[str, Any]:
        """Return everything; a figure that does not exist is null."""
        content = asdict(self)
        for family, found in zip(content["families"], self.families, strict=True):
            family["verdict"] = found.verdict
        text = json.dumps(content)
        return json.loads(text, parse_constant=lambda name: None)  # type: ignore[no-any-return]
