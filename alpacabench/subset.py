"""Subsets: which examples are evaluated. Seeded, and the same for every model and judge."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field

from alpacabench.core.canonical import digest_rows
from alpacabench.core.component import Component
from alpacabench.core.errors import ConfigError, Problem, allowed
from alpacabench.core.records import Example

Stratum = Literal["source", "category", "difficulty"]
T = TypeVar("T")

Difficulty = Mapping[str, float]
"""Difficulty by instruction text."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | int) else value


class Subset(Component):
    """Base of all subsets. The base itself keeps every example (`subset=all`)."""

    group: ClassVar[str] = "subset"
    # The seed is a literal 0 in every option, so that every one accepts it.
    shared_keys: ClassVar[frozenset[str]] = frozenset({"seed"})
    usual_option: ClassVar[Mapping[str, str]] = {"n": "random", "strata": "stratified"}

    n: int | None = Field(None, ge=1)
    seed: int = 0
    strata: list[Stratum] | None = None

    @property
    def whole(self) -> bool:
        """Whether every example is kept, whatever the data."""
        return type(self).pick is Subset.pick

    @property
    def at_most(self) -> int | None:
        """The most examples that can be chosen; None where only the data tells."""
        return self.n

    def choose(self, examples: Sequence[Example], difficulty: Difficulty | None = None) -> list[Example]:
        """Return the chosen examples, in the data set's order.

        Args:
            examples: the full data set.
            difficulty: by instruction text, where it is known.

        Raises:
            ConfigError: the subset asks for what the data does not have.

        """
        ordered = sorted(examples, key=_index)
        return sorted(self.pick(ordered, difficulty), key=_index)

    def strata_of(self, examples: Sequence[Example], difficulty: Difficulty | None = None) -> list[str] | None:
        """Return the stratum of each example that the subset was drawn from; None where it was not drawn by strata."""
        return None

    def pick(self, examples: list[Example], difficulty: Difficulty | None) -> list[Example]:
        """Return the chosen examples in any order."""
        return examples


class All(Subset):
    """Every example."""


class Head(Subset):
    """The first n examples. On AlpacaEval the first 100 are all of one source: biased, for a quick look only."""

    n: int = Field(ge=1)

    def pick(self, examples: list[Example], difficulty: Difficulty | None) -> list[Example]:
        """Return the first n."""
        return examples[: _at_most(self.n, examples)]


class Random(Subset):
    """A simple random sample."""

    n: int = Field(ge=1)

    def pick(self, examples: list[Example], difficulty: Difficulty | None) -> list[Example]:
        """Return n examples drawn without replacement."""
        return _shuffled(examples, self.seed)[: _at_most(self.n, examples)]


class Stratified(Subset):
    """A proportional sample of the strata; an unweighted mean over it is unbiased over seeds (MEASUREMENT 2.6)."""

    n: int = Field(ge=1)
    strata: list[Stratum] = Field(default=["source"], min_length=1)

    def pick(self, examples: list[Example], difficulty: Difficulty | None) -> list[Example]:
        """Return n examples: every stratum gets its share, rounded up or down at random.

        The chance to be rounded up is the remainder (systematic sampling of the remainders, in a random order), so that
        every prompt is drawn with the same chance n / N, also where its stratum's share is below one. Source: Cochran
        1977, Sampling Techniques, chapter 8.
        """
        n = _at_most(self.n, examples)
        label = _labels(self.strata, examples, difficulty)
        strata: dict[tuple[str, ...], list[Example]] = defaultdict(list)
        for example in examples:
            strata[label(example)].append(example)
        shares = {key: n * len(members) / len(examples) for key, members in strata.items()}
        counts = {key: int(share) for key, share in shares.items()}
        at = random.Random(f"subset|rounding|{self.seed}").random()
        for key in _shuffled(sorted(strata), self.seed):
            before, at = at, at + shares[key] - counts[key]
            # The remainders add up to a whole number, but for what adding them rounds off.
            counts[key] += int(at + 1e-9) - int(before + 1e-9)
        return [
            example
            for key, members in strata.items()
            for example in _shuffled(members, f"{self.seed}|{'|'.join(key)}")[: counts[key]]
        ]

    def strata_of(self, examples: Sequence[Example], difficulty: Difficulty | None = None) -> list[str] | None:
        """Return the stratum of each example of the full data set, in the given order."""
        label = _labels(self.strata, sorted(examples, key=_index), difficulty)
        return ["|".join(label(example)) for example in examples]


class ByLabel(Subset):
    """All examples of some sources or categories, or the first n of a seeded shuffle of them."""

    n: int | None = Field(None, ge=1)
    by: Literal["source", "category"]
    source: Annotated[list[str], BeforeValidator(_as_list)] | None = None
    category: Annotated[list[str], BeforeValidator(_as_list)] | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield a missing list of labels, or one that this option does not use."""
        other: Literal["source", "category"] = "category" if self.by == "source" else "source"
        if not getattr(self, self.by):
            yield Problem(f"subset.{self.by}", "missing", f"name one or more: subset.{self.by}=[a,b]")
        if getattr(self, other) is not None:
            yield Problem(f"subset.{other}", f"given {getattr(self, other)!r}, but subset={self.by} does not use it")

    def pick(self, examples: list[Example], difficulty: Difficulty | None) -> list[Example]:
        """Return the examples with one of the labels."""
        wanted = getattr(self, self.by)
        known = sorted({getattr(example, self.by) for example in examples})
        problems = [
            Problem(f"subset.{self.by}", f"given '{label}', which no prompt has", allowed(label, known))
            for label in wanted
            if label not in known
        ]
        if problems:
            raise ConfigError(problems)
        chosen = [example for example in examples if getattr(example, self.by) in wanted]
        return chosen if self.n is None else _shuffled(chosen, self.seed)[: _at_most(self.n, chosen)]


class Ids(Subset):
    """Examples by row number in the full data set (from 0)."""

    ids: Annotated[list[int], BeforeValidator(_as_list)] = Field(min_length=1)

    @property
    def at_most(self) -> int:
        """As many as there are row numbers."""
        return len(self.ids)

    def pick(self, examples: list[Example], difficulty: Difficulty | None) -> list[Example]:
        """Return the examples with these row numbers."""
        known = {example.index: example for example in examples}
        unknown = [i for i in self.ids if i not in known]
        repeated = sorted({i for i in self.ids if self.ids.count(i) > 1})
        if unknown or repeated:
            what = f"no such row: {unknown}" if unknown else f"named more than once: {repeated}"
            raise ConfigError([Problem("subset.ids", what, f"allowed: 0 to {len(examples) - 1}, each once")])
        return [known[i] for i in self.ids]


def subset_hash(examples: Sequence[Example]) -> str:
    """Return a short digest of the chosen row numbers and instructions."""
    return digest_rows([example.index, example.instruction] for example in examples)[:16]


def _index(example: Example) -> int:
    return example.index


def _at_most(n: int, examples: Sequence[Example]) -> int:
    if n > len(examples):
        raise ConfigError(
            [Problem("subset.n", f"given {n}, but there are {len(examples)} prompts", f"allowed: 1 to {len(examples)}")]
        )
    return n


def _shuffled(items: Sequence[T], seed: object) -> list[T]:
    # A string seed is hashed by the standard library itself: the same order on every machine.
    return random.Random(f"subset|{seed}").sample(list(items), len(items))


def _labels(
    strata: Sequence[Stratum], examples: Sequence[Example], difficulty: Difficulty | None
) -> Callable[[Example], tuple[str, ...]]:
    quintile: dict[str, str] = {}
    if "difficulty" in strata:
        unknown = [e for e in examples if difficulty is None or e.instruction not in difficulty]
        if difficulty is None or unknown:
            what = f"the difficulty of {len(unknown)} of {len(examples)} prompts is unknown"
            remedy = "leave it out, or use dataset=alpaca_eval with scoring.lc_data=FILE (df_gamed.csv)"
            raise ConfigError([Problem("subset.strata", f"given 'difficulty', but {what}", remedy)])
        ranked = sorted(examples, key=lambda e: (difficulty[e.instruction], e.index))
        quintile = {e.instruction: f"q{5 * rank // len(ranked) + 1}" for rank, e in enumerate(ranked)}
    parts: dict[str, Callable[[Example], str]] = {
        "source": lambda e: e.source,
        "category": lambda e: e.category,
        "difficulty": lambda e: quintile[e.instruction],
    }
    return lambda example: tuple(parts[name](example) for name in strata)
