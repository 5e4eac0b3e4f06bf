"""Pairs of answers as people see them: a uniform draw, in an order that says nothing of who wrote which.

The order of a pair's answers is that of digests of their texts: as good as drawn, and equal in every page and every
repeated run. Whoever has the run's files can tell which is the model's; the page itself cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun, Item
from alpacabench.analysis.trust.label_file import label_id
from alpacabench.core.errors import ConfigError, DataError, Problem
from alpacabench.core.records import digest
from alpacabench.scoring.arrays import Floats


@dataclass(frozen=True, slots=True)
class BlindPair:
    """Two answers to one instruction, in the order in which they are shown."""

    instruction: str
    first: str
    second: str

    @property
    def id(self) -> str:
        """The id of a label under this order."""
        return label_id(self.instruction, self.first, self.second)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pairs that people are to label."""

    pairs: tuple[BlindPair, ...]
    """In the order of the draw."""
    n_pairs: int
    """Pairs that they were drawn from."""
    n_incomplete: int
    """Pairs that lack an answer or a reference, and could not be drawn."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What people are told to judge by."""

    text: str

    @property
    def id(self) -> str:
        """A digest of the text; blank ends of lines do not count."""
        return digest([line.rstrip() for line in self.text.strip().splitlines()])[:12]


def read_policy(path: str | None) -> Policy:
    """Return the policy of a text file; the default one without.

    Raises:
        ConfigError: no such file, or no text in it.

    """
    if path is None:
        return Policy(files("alpacabench.analysis.trust").joinpath("label_policy.txt").read_text(encoding="utf-8"))
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("--policy", f"'{path}' cannot be read ({error})", "give a text file")]) from error
    if not text.strip():
        raise ConfigError([Problem("--policy", f"'{path}' is empty", "say in it what makes an answer the better one")])
    return Policy(text.strip())


def blind(instruction: str, one: str, other: str) -> BlindPair:
    """Return the pair in the order of its digests."""
    return BlindPair(instruction, *sorted((one, other), key=lambda text: digest([instruction, text])))


def draw(runs: Sequence[FinishedRun], n: int, seed: int) -> Drawn:
    """Return at most n pairs of all runs together, each with the same chance; more of one seed begin with the same.

    Raises:
        DataError: no pair has both answers.

    """
    items = [item for run in runs for item in run.items.values()]
    pairs: dict[str, BlindPair] = {}
    incomplete = 0
    for item in items:
        if item.reference is None or item.output is None:
            incomplete += 1
            continue
        pair = blind(item.instruction, item.reference, item.output)
        pairs[pair.id] = pair
    if not pairs:
        raise DataError(
            f"RUN: none of the {len(items)} pairs has both answers\n"
            "    give the reference answers with --dataset FILE, the model's with --outputs FILE"
        )
    drawn = sorted(pairs.values(), key=lambda pair: digest(["label", seed, pair.id]))
    return Drawn(tuple(drawn[:n]), len(pairs), incomplete)


def shown_first(labels: Mapping[str, Floats], items: Sequence[Item]) -> dict[str, Estimate]:
    """Return how often each person took the answer that was shown first, in per cent of the pairs that they decided.

    Args:
        labels: preferences by person over the items in order: 1 the reference, 2 the model, NaN where there is none.
        items: the pairs.

    """
    model_first = np.array([blind(i.instruction, i.reference or "", i.output or "").first == i.output for i in items])
    differ = np.array([item.reference != item.output for item in items])
    found = {}
    for name, column in sorted(labels.items()):
        decided = ~np.isnan(column) & (column != 1.5) & differ
        if decided.any():
            found[name] = Estimate.of_shares(((column > 1.5) == model_first)[decided].astype(np.float64))
    return found
