"""The records that flow through a run, one way: Example -> Prompt -> Generation -> Pair -> Verdict.

Stages import this module, `exchange` and `errors`, and never each other. No heavy imports here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alpacabench.core.canonical import canonical
from alpacabench.core.exchange import DIALOGUE, Exchange, FinishReason, Messages, Script, Step, transcript


def digest(value: Any) -> str:
    """Return the SHA-256 hex digest of a JSON-serialisable value in canonical form (sorted keys, UTF-8)."""
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the data set."""

    index: int
    """Row number in the full data set (never in the subset)."""
    instruction: str
    """The prompt, by which everything is joined; of a dialogue all that is known of it beforehand, as text."""
    reference: str | None
    """The reference output; None where it is missing and `model.allow_missing=true`. Of a dialogue the last one."""
    source: str = ""
    """The `dataset` column: where the prompt came from."""
    category: str = ""
    reference_generator: str = "reference"
    licence: str = ""
    """The `licence` column (or `license`): under which licence this prompt is, where the row says so."""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """The `checks` column: what each check on answers asks of this row, by the check's name."""
    messages: Messages = ()
    """The conversation that stands before the first of `turns`."""
    turns: tuple[str, ...] = ()
    """Of a dialogue the user's turns that are answered one after the other; empty for an ordinary prompt."""
    references: tuple[str, ...] = ()
    """Of a dialogue the reference's answers, one a turn; empty where they are missing."""
    solutions: tuple[str, ...] = ()
    """Of a dialogue right answers, one a turn, by which a judge may be guided; not what is compared."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """The row's other columns, which tools read: `documents`, `tables`, `expected`, and what one's own tools need."""

    @property
    def last_turn(self) -> str:
        """What the user says last: the text that a perturbation changes."""
        return self.turns[-1] if self.turns else self.instruction

    def before(self, turn: int) -> Messages:
        """Return the conversation before a turn, from 1, as the reference had it."""
        said = zip(self.turns[: turn - 1], self.references, strict=False)
        return (
            *self.messages,
            *(message for asked, text in said for message in (("user", asked), ("assistant", text))),
        )

    @property
    def alone(self) -> Example:
        """The example as an ordinary prompt, for texts about it that are no part of its conversation."""
        return replace(self, messages=(), turns=(), references=(), solutions=()) if self.turns else self


def dialogue_text(messages: Messages, turns: Sequence[str]) -> str:
    """Return all that is known of a dialogue beforehand, as one text; a lone turn without a history is that turn."""
    if messages:
        return transcript((*messages, *(("user", turn) for turn in turns)))
    return turns[0] if len(turns) == 1 else "\n\n".join(f"Turn {n}: {turn}" for n, turn in enumerate(turns, start=1))


@dataclass(frozen=True, slots=True)
class Prompt:
    """An example and the text that the model sees; the perturbation changes only that text."""

    example: Example
    text: str
    """The last turn of the user, where it is a dialogue."""
    system: str | None = None
    """A system prompt set by the perturbation (persona); it wins over `model.system_prompt`."""
    n_edits: int = 0
    edit_ratio: float = 0.0
    """Levenshtein distance to the original, divided by the original's length."""
    same_task: bool = True
    """False where the validity gate holds that the perturbation changed the task."""
    gate_reasons: tuple[str, ...] = ()
    exchange: Exchange = DIALOGUE
    """How it goes on after the model's answer."""

    @property
    def unchanged(self) -> bool:
        """Whether the perturbation left text and system prompt as they were."""
        return self.text == self.example.last_turn and self.system is None

    @property
    def turns(self) -> tuple[str, ...]:
        """All that the user says, as the model sees it; one text for an ordinary prompt."""
        return (*self.example.turns[:-1], self.text)

    @property
    def seen(self) -> str:
        """The prompt as the model sees it, in the form of `Example.instruction`."""
        return dialogue_text(self.example.messages, self.turns) if self.example.turns else self.text

    def script(self, system: str | None) -> Script:
        """Return what is known of the conversation; the model's `system` stands in where nothing else sets one."""
        opening, own = self.example.messages, [c for role, c, *_ in self.example.messages if role == "system"]
        if self.system is not None or not own:
            first = self.system if self.system is not None else system
            rest = tuple(message for message in opening if message[0] != "system")
            opening = ((("system", first),) if first else ()) + rest
        return Script(opening, self.turns)


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
    steps: tuple[Step, ...] = ()
    """Of a conversation each request with its answer, also where a later one failed; empty for an ordinary prompt.
    `text` and `finish_reason` are the last one's, tokens, seconds and dollars the sums."""

    @property
    def asked(self) -> Sequence[Generation | Step]:
        """What was asked for one by one: the steps, or the one answer itself."""
        return self.steps or (self,)

    @property
    def answers(self) -> tuple[str, ...]:
        """The answer to each of the user's turns."""
        return tuple({step.turn: step.text for step in self.steps}.values()) or (self.text or "",)


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
    turn: int = 0
    """Which turn of a dialogue is judged, from 1; 0 for an ordinary prompt. `instruction` is that turn."""
    reference_before: Messages = ()
    """The conversation before that turn as the reference had it."""
    output_before: Messages = ()
    """The conversation before that turn as the model had it."""

    @property
    def equal(self) -> bool:
        """Whether there is nothing to compare: both answers are the same, and so is all before them."""
        return self.reference == self.output and self.reference_before == self.output_before


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
        """The mean of the verdicts that exist, in [1, 2]; None where there is none (missing is not a draw).

        Of a dialogue it is the mean over its turns, each of which needs a verdict.
        """
        if not self.example.turns:
            if len(self.verdicts) == 1:
                return self.verdicts[0].preference
            return _mean(v.preference for v in self.verdicts)
        by_turn = [self.preference_of(turn) for turn in range(1, len(self.example.turns) + 1)]
        return None if None in by_turn else _mean(by_turn)

    def preference_of(self, turn: int) -> float | None:
        """Return the mean of the verdicts that exist on one turn of a dialogue, from 1."""
        return _mean(v.preference for v in self.verdicts if v.pair.turn == turn)

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


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
