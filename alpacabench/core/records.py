"""The records that flow through a run, one way: Example -> Prompt -> Generation -> Pair -> Verdict.

Stages import this module and `errors`, and never each other. No heavy imports here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

FinishReason = Literal["stop", "length", "error"]

Message = dict[str, str]
"""One chat message: {"role": "system" | "user" | "assistant", "content": text}."""


def digest(value: Any) -> str:
    """Return the SHA-256 hex digest of a JSON-serialisable value in canonical form (sorted keys, UTF-8)."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the data set."""

    index: int
    """Row number in the full data set (never in the subset)."""
    instruction: str
    reference: str | None
    """The reference output; None where it is missing and `model.allow_missing=true`."""
    source: str = ""
    """The `dataset` column: where the prompt came from."""
    category: str = ""
    reference_generator: str = "reference"
    licence: str = ""
    """The `licence` column (or `license`): under which licence this prompt is, where the row says so."""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """The `checks` column: what each check on answers asks of this row, by the check's name."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """An example and the text that the model sees; the perturbation changes only that text."""

    example: Example
    text: str
    system: str | None = None
    """A system prompt set by the perturbation (persona); it wins over `model.system_prompt`."""
    n_edits: int = 0
    edit_ratio: float = 0.0
    """Levenshtein distance to the original, divided by the original's length."""
    same_task: bool = True
    """False where the validity gate holds that the perturbation changed the task."""
    gate_reasons: tuple[str, ...] = ()

    @property
    def unchanged(self) -> bool:
        """Whether the perturbation left text and system prompt as they were."""
        return self.text == self.example.instruction and self.system is None


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer of the model to one prompt."""

    prompt: Prompt
    text: str | None
    """The answer that is judged; None where it is missing (see `failure`). Empty text is an answer."""
    finish_reason: FinishReason = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    sample: int = 0
    """0 to decoding.n - 1."""
    key: str = ""
    """The store's key; empty for recorded outputs."""
    reasoning: str | None = None
    """A reasoning trace that was removed from `text` before judging."""
    failure: str | None = None
    cached: bool = False
    generator: str = ""
    """Display name of the model that wrote the answer."""
    cost_usd: float | None = 0.0
    """Dollars paid for this answer; None where the price is unknown."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a judge compares: the reference's and the model's answer to one instruction."""

    example: Example
    instruction: str
    """The instruction that is shown to the judge: the original one, unless judge.instruction=perturbed."""
    reference: str
    output: str
    sample: int = 0
    generator: str = ""
    canary: str = ""
    """The kind of a pair with a known answer, which is never in a score; empty for a run's own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement of one pair, in one slot, once."""

    pair: Pair
    preference: float | None
    """In [1, 2] as alpaca_eval defines it (1 = reference wins, 2 = model wins, 1.5 = draw); None is missing."""
    model_first: bool
    """The slot: whether the model's answer was shown first."""
    judge: str = ""
    """Which judge (of a panel) said so."""
    repeat: int = 0
    raw: Any = None
    """The judge's raw completion, JSON-serialisable."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost_usd: float | None = 0.0
    """Dollars paid for this verdict; None where the price is unknown."""
    failure: str | None = None
    key: str = ""
    cached: bool = False
    criteria: dict[str, float] = field(default_factory=dict)
    """Scores by criterion, where the judge gives them (rubric)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where an answer breaks a rule of a check."""

    rule: str
    """The rule's short name, such as `email` or `max_words`."""
    message: str
    """What is wrong, without the text that must not be shown."""
    start: int | None = None
    end: int | None = None
    """The span in the answer, in characters; None where the whole answer is meant."""


NO_ANSWER = "no answer"
"""Why a check could not be made, where there is nothing to check."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found in one answer."""

    check: str
    """The option's name, such as `format`."""
    sample: int
    findings: tuple[Finding, ...] = ()
    failure: str | None = None
    """Why the check could not be made: then nothing is known of the answer."""
    masked: bool = False
    """Whether the spans hold what must not be shown."""
    cached: bool = False
    key: str = ""
    """The store's key."""
    cost_usd: float | None = 0.0
    """Dollars paid for it, where a model was asked; None where the price is unknown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One example and all that happened to it: the unit of every score, file and report."""

    prompt: Prompt
    generations: tuple[Generation, ...]
    """One per sample."""
    verdicts: tuple[Verdict, ...]
    """Every single verdict: by sample, slot, repeat and judge."""
    checked: tuple[Checked, ...] = ()
    """By check and sample, where the check applies to the prompt."""
    judged: bool = True
    """Whether a judge was to compare the answer; where none was, a missing score is no failure."""

    @property
    def example(self) -> Example:
        """The example."""
        return self.prompt.example

    @property
    def preference(self) -> float | None:
        """The mean of the verdicts that exist, in [1, 2]; None where there is none (missing is not a draw)."""
        known = [v.preference for v in self.verdicts if v.preference is not None]
        return sum(known) / len(known) if known else None

    @property
    def output(self) -> str | None:
        """The first sample's answer."""
        return self.generations[0].text if self.generations else None

    @property
    def failure(self) -> str | None:
        """Why there is no score."""
        if self.preference is not None:
            return None
        causes = [c for c in (*(g.failure for g in self.generations), *(v.failure for v in self.verdicts)) if c]
        if not causes and not self.judged:
            return None
        return causes[0] if causes else "no reference answer" if self.example.reference is None else "no verdict"
