"""What the pages say of planted runs: every sentence, which of the registry's it is, and whether it is true."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from alpacabench.analysis import sentences
from alpacabench.analysis.compare.comparison import compare
from alpacabench.analysis.compare.page import page_of
from alpacabench.analysis.gate.decision import decide
from alpacabench.analysis.gate.evidence import Evidence
from alpacabench.analysis.sentences import ablation, gate
from alpacabench.analysis.sentences import compare as pair_says
from alpacabench.analysis.sentences import run as run_says
from alpacabench.analysis.sentences import sweep as sweep_says
from alpacabench.analysis.sweep.against import compare_to_base
from alpacabench.analysis.sweep.replicates import Settings
from alpacabench.analysis.sweep.table import SweepTable
from alpacabench.core.errors import DataError
from alpacabench.core.sentence import Sentence
from alpacabench.io.manifest import Manifest
from alpacabench.report import run_words
from alpacabench.report.slices import scored
from alpacabench.scoring import cautions
from alpacabench.scoring.arrays import Floats
from alpacabench.scoring.scoring import Difficulties, Scoring
from alpacabench.sweeps.conclude import _table, sweep_metrics
from tests.helpers import judge_truths, sweep_truths, truths
from tests.helpers import planted as plant
from tests.helpers.planted import Planted
from tests.helpers.truths import Fields, Known

TRUTHS = {
    **truths.PAIR, **truths.RUN, **truths.BOARD, **truths.GATE, **truths.POWER, **sweep_truths.SWEEP,
    **sweep_truths.ABLATION, **judge_truths.JUDGES,
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """A sentence as it was printed."""

    text: str
    name: str
    error: float
    true: bool


def modules() -> list[ModuleType]:
    """Return the package's modules of sentences."""
    names = [module.name for module in pkgutil.iter_modules(sentences.__path__)]
    return [cautions, *(importlib.import_module(f"{sentences.__name__}.{name}") for name in names)]


@cache
def registry() -> dict[str, Sentence[Any]]:
    """Return every sentence of the package by its name."""
    found: dict[str, Sentence[Any]] = {}
    for module in modules():
        for group in vars(module).values():
            for one in group if isinstance(group, tuple) else ():
                if isinstance(one, Sentence):
                    assert found.setdefault(one.name, one) is one, f"two sentences are named {one.name}"
    return found


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Return the patterns, those with most words of their own first."""
    held = [(name, re.split(r"(\{\w+\})", one.text)) for name, one in registry().items()]
    held.sort(key=lambda entry: -sum(len(part) for part in entry[1][::2]))
    return [(name, re.compile(_pattern(parts), re.DOTALL)) for name, parts in held]


def _pattern(parts: Sequence[str]) -> str:
    """Return the pattern of a text with {fields}; a field that comes again is the same again."""
    seen: set[str] = set()
    found = ""
    for part in parts:
        field = part[1:-1] if re.fullmatch(r"\{\w+\}", part) else ""
        found += f"(?P={field})" if field in seen else f"(?P<{field}>.*?)" if field else re.escape(part)
        seen |= {field} - {""}
    return found


def which(text: str) -> tuple[str, Fields]:
    """Return which of the registry's sentences a text is, and its fields; two empty ones where it is none."""
    for name, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return name, found.groupdict()
    return "", {}


def held_to(texts: Sequence[str], known: Known) -> Iterator[Said]:
    """Yield each text with the sentence that it is, held to what is known."""
    for text in texts:
        name, fields = which(text)
        assert name, f"no sentence of the registry: {text}"
        yield Said(text, name, registry()[name].error, TRUTHS[name](fields, known))


def of_pair(planted: Planted, seed: int) -> list[Said]:
    """Return what the page, the terminal and the gate say of two runs."""
    y, lengths = planted.draw(seed), np.empty((2, 0))
    if planted.by_length:
        y, lengths = plant.by_length(planted.n, seed)
    base, run = (
        plant.run(name, row.tolist(), long.tolist(), planted.by_length or planted.n == plant.FEW)
        for name, row, long in zip("AB", y, lengths, strict=True)
    )
    known = Known(planted, y)
    try:
        pair = compare(base, run)
    except DataError:
        return []
    page = page_of(pair)
    texts = [pair_says.headline(page), *pair_says.findings(page), *page.warnings]
    told = [("win rate", pair.delta_wr), *([("length-controlled win rate", pair.delta_lc)] if pair.delta_lc else [])]
    texts += [pair_says.conclusion(pair_says.MetricFacts("B", "A", name, delta)) for name, delta in told[:1]]
    evidence = Evidence(pair, "win_rate")
    known_of = {"saturated": pair.delta_wr.saturated, "undecided_share": pair.delta_wr.undecided_share}
    decisions = [decide(evidence.differences(), margin, 0.05, evidence.worst(), **known_of) for margin in (0.0, 3.0)]
    return list(held_to([*texts, *map(gate.verdict, decisions), *evidence.notes()], known))


def of_run(planted: Planted, seed: int) -> list[Said]:
    """Return what the page of one run says."""
    one = plant.judged(planted, seed)
    examples = [outcome.prompt.example for outcome in one.outcomes]
    scores = Scoring(bootstrap=200).score(one.outcomes, examples, Difficulties(None, "none"), "judge")
    pairs, who = scored(one.outcomes), run_words.names(one.outcomes, {"judge": "judge"})
    texts = run_says.findings(run_words.facts(pairs, scores.metrics, who))
    y = np.array([[np.nan if o.preference is None else o.preference - 1 for o in one.outcomes]])
    return list(held_to(texts, Known(planted, y, slots=(one.first, one.second))))


def table_of(
    y: Floats, axes: Sequence[str] = ("s",), objective: str = "win_rate", answers: Sequence[str] = ()
) -> SweepTable:
    """Return what the page of a sweep shows, a job for each row of outcomes; the first is the base."""
    sweep = plant.sweep(y, answers)
    against = compare_to_base(sweep, 0, None, objective)
    results = [(job.result, job.directory) for job in sweep.jobs]
    metrics = sweep_metrics(sweep, sweep, against, results, axes)
    manifest = Manifest("f" * 64, "planted", None, list(axes), {}, {})
    return _table(manifest, sweep, Settings(sweep, results, 0), against, metrics)


def of_table(table: SweepTable, known: Known) -> list[Said]:
    """Return what the page of a sweep says."""
    return list(held_to([sweep_says.headline(table), *sweep_says.findings(table), *table.warnings], known))


def of_sweep(planted: Planted, seed: int) -> list[Said]:
    """Return what the page of a sweep over as many settings as there are rates says."""
    y = planted.draw(seed)
    return of_table(table_of(y), Known(planted, y, tuple(f"s={number}" for number in range(len(y)))))


def of_ablation(planted: Planted, seed: int) -> list[Said]:
    """Return what the page of an ablation says: the base, two re-decodes, then the variants."""
    from alpacabench.analysis.ablation.answer import answer
    from alpacabench.analysis.ablation.variant import System, Variant

    y = planted.draw(seed)
    names = ("base", "floor_1", "floor_2", "typos_low", "casing_low")[: len(y)]
    base, *others = (
        Variant(name, plant.run(name, row.tolist(), answers=False)) for name, row in zip(names, y, strict=True)
    )
    try:
        found = answer(System(base, tuple(others[2:]), tuple(others[:2])))
    except DataError:
        return []
    known = Known(planted, y, names, facts={"undecided": planted.kind in ("draw", "undecided")})
    return list(held_to([ablation.headline(found), *ablation.findings(found), *found.warnings], known))
