"""The perturbation group: what a family must give, and how its edits are drawn, applied and recorded."""

from __future__ import annotations

import hashlib
import math
import random
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from alpacabench.core.component import Component
from alpacabench.core.records import Example, Prompt
from alpacabench.perturbation.validity.distance import levenshtein
from alpacabench.perturbation.validity.gate import GateResult, check

Kind = Literal["meaning_preserving", "noise", "task_changing"]


class Edit(NamedTuple):
    """Replace text[start:stop] by `new`."""

    start: int
    stop: int
    new: str


class Edited(NamedTuple):
    """A perturbed text and how many edits made it."""

    text: str
    n_edits: int


def splice(text: str, edits: Sequence[Edit]) -> str:
    """Return the text with the edits made; insertions at one place stand in the order given."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.stop > edit.start)):
        parts += [text[done : edit.start], edit.new]
        done = edit.stop
    return "".join([*parts, text[done:]])


def edited(text: str, edits: Sequence[Edit]) -> Edited:
    """Return the text with those of the edits made that change something."""
    edits = [edit for edit in edits if text[edit.start : edit.stop] != edit.new]
    return Edited(splice(text, edits), len(edits))


class Perturbation(Component):
    """A family of edits. Strength 0 is the identity; more strength keeps the edits of less and adds to them."""

    group: ClassVar[str] = "perturbation"
    shared_keys: ClassVar[frozenset[str]] = frozenset({"strength", "seed"})
    kind: ClassVar[Kind]
    """`meaning_preserving` and `noise` are tests of robustness; `task_changing` families are reported as effects."""
    expectation: ClassVar[str] = ""
    """What a good answer does with such a prompt, where that is not to answer it as it stands."""

    strength: float = Field(1.0, ge=0.0, le=1.0)
    seed: int = 0

    @abstractmethod
    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Return the text perturbed with a strength above 0, and the number of edits."""

    def rng(self, seed: int, item_id: str) -> random.Random:
        """Return the item's generator: the same on every machine and in every order of the items."""
        return random.Random(hashlib.sha256(f"{type(self).__name__}|{item_id}|{seed}".encode()).hexdigest())

    def edit(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Return the perturbed text; the text as it is where strength is 0, or where nothing would be left of it."""
        new = self.rewrite(text, strength, seed, item_id) if strength > 0.0 else Edited(text, 0)
        return new if new.text.strip() else Edited(text, 0)

    def perturb(self, text: str, strength: float, seed: int, item_id: str) -> str:
        """Return the perturbed text: a pure function of its arguments and the family's own keys."""
        return self.edit(text, strength, seed, item_id).text

    def system(self, strength: float, seed: int, item_id: str) -> str | None:
        """Return the system prompt that the perturbation sets, or None where it sets none."""
        return None

    def apply(self, examples: Sequence[Example]) -> list[Prompt]:
        """Return one prompt per example, in their order, with the edits recorded and the gate's verdict."""
        return [self._prompt(example) for example in examples]

    def gate(self, original: str, text: str) -> GateResult:
        """Return whether a variant still asks for the same task."""
        return check(original, text)

    @property
    def author(self) -> str:
        """Which models write and check the variants; empty where none does."""
        return ""

    @property
    def gated(self) -> bool:
        """Whether a variant that the gate rejects does not count, because the family means to keep the task."""
        return self.kind != "task_changing"

    def _prompt(self, example: Example) -> Prompt:
        item_id = str(example.index)
        edited = self.edit(example.last_turn, self.strength, self.seed, item_id)
        return self.varied(example, edited, self.system(self.strength, self.seed, item_id))

    def varied(self, example: Example, edited: Edited, system: str | None = None) -> Prompt:
        """Return the prompt of a variant, with its edits and the gate's verdict."""
        original, text = example.last_turn, edited.text
        gate = self.gate(original, text)
        return Prompt(
            example=example,
            text=text,
            system=system,
            n_edits=edited.n_edits + (system is not None),
            edit_ratio=levenshtein(original, text) / max(1, len(original)),
            same_task=gate.same_task,
            gate_reasons=gate.reasons,
        )


class SiteFamily(Perturbation):
    """A family that lists its possible edits once and makes the first of them, more with more strength."""

    dose: ClassVar[Literal["sites", "items"]] = "sites"
    """What strength is a share of: the places in each text, or the items that are edited at all."""

    @abstractmethod
    def sites(self, text: str, rng: random.Random) -> list[Edit]:
        """Return every edit that the family could make, the ones that a low strength makes first."""

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Make the strength's share of the edits, at least one, or all of them in its share of the items."""
        rng = self.rng(seed, item_id)
        if self.dose == "items":
            return edited(text, self.sites(text, rng) if rng.random() < strength else [])
        sites = self.sites(text, rng)
        return edited(text, sites[: math.ceil(strength * len(sites))])
