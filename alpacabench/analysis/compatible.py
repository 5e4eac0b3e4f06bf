"""Whether two runs may be compared: same judge, reference, prompts and slots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.core.errors import DataError, Problem
from alpacabench.io.rows import shorten

SAME_REFERENCE = "compare runs against the same reference outputs"


def require_comparable(base: FinishedRun, run: FinishedRun) -> None:
    """Refuse a pair that is not a pair.

    Raises:
        DataError: names every difference.

    """
    problems = list(differences(base, run))
    if problems:
        raise DataError(
            f"{base.origin} and {run.origin} cannot be compared:\n" + "\n".join(f"  - {p}" for p in problems)
        )


def differences(base: FinishedRun, run: FinishedRun) -> Iterator[Problem]:
    """Yield what makes a comparison of the two meaningless."""
    yield from _judge(base, run)
    yield from _reference(base, run)
    if set(base.items) != set(run.items):
        yield _subset(base, run)
    slots = [text for text in shared(base, run) if _unequal(base.items[text].slots, run.items[text].slots)]
    if slots:
        yield Problem(
            "slots",
            f"the order of the two answers differs on {len(slots)} prompts, such as {shorten(slots[0])}",
            "judge both runs with the same judge.seed and judge.order",
        )


def shared(base: FinishedRun, run: FinishedRun) -> list[str]:
    """Return the instructions that both runs have, sorted."""
    return sorted(set(base.items) & set(run.items))


def common_setting(runs: Sequence[FinishedRun]) -> tuple[str, str]:
    """Return the judge and the reference that all runs share; a judge is known by its content where the runs tell it.

    Raises:
        DataError: they differ; names the runs.

    """
    one, *others = runs
    problems = [problem for run in others for problem in (*_judge(one, run), *_named_reference(one, run))]
    if problems:
        listed = "\n".join(f"    {run.origin}: judge {run.judge}, reference {run.reference}" for run in runs)
        listed += "".join(f"\n  - {problem}" for problem in problems)
        raise DataError(f"judges and references are never mixed:\n{listed}\n    place runs of one judge and reference")
    return one.judge, one.reference


def _judge(base: FinishedRun, run: FinishedRun) -> Iterator[Problem]:
    remedy = "judge both runs with one judge; the answers are kept, so that only verdicts are asked for"
    told = bool(base.judge_content and run.judge_content)
    same = told and base.judge_content == run.judge_content
    if base.judge != run.judge and not same:
        yield Problem("judge", f"{base.judge} and {run.judge}", remedy)
        return
    ours, theirs, found = base.judge_settings, run.judge_settings, False
    if ours.get("_target_") and ours.get("_target_") == theirs.get("_target_"):
        for key in sorted(ours.keys() & theirs.keys()):  # an older version's file may lack a key
            # A template is known by its text: one file may lie in two places, and one place hold two texts.
            if ours[key] != theirs[key] and not (told and key in ("template", "judges")):
                found = True
                yield Problem(f"judge.{key}", f"{ours[key]!r} and {theirs[key]!r}", remedy)
    if told and not found:
        for key, one, other in changes(base.judge_content, run.judge_content):
            yield Problem(f"judge ({key})", f"{base.origin} has {one}, {run.origin} has {other}", remedy)


def changes(one: Any, other: Any, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield where two judges' contents differ: the key, and the first line of each that the other has not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted({*one, *other}):
            yield from changes(one.get(name), other.get(name), f"{key}.{name}".lstrip("."))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True), start=1):
            yield from changes(left, right, f"{key} {number}")
    elif one != other:
        lines = [str(text).splitlines() for text in (one, other)]
        at = next((i for i, pair in enumerate(zip(*lines, strict=False)) if pair[0] != pair[1]), min(map(len, lines)))
        left, right = (shorten(text[at]) if at < len(text) else "no such line" for text in lines)
        yield key, left, right


def _named_reference(base: FinishedRun, run: FinishedRun) -> Iterator[Problem]:
    if base.reference != run.reference:
        yield Problem("reference", f"{base.reference} and {run.reference}", SAME_REFERENCE)


def _reference(base: FinishedRun, run: FinishedRun) -> Iterator[Problem]:
    if other := list(_named_reference(base, run)):
        yield from other
        return
    changed = [t for t in shared(base, run) if _unequal(base.items[t].reference, run.items[t].reference)]
    if changed:
        what = f"other answers to {len(changed)} prompts, such as {shorten(changed[0])}"
        yield Problem("reference", what, SAME_REFERENCE)


def _subset(base: FinishedRun, run: FinishedRun) -> Problem:
    only_base, only_run = sorted(set(base.items) - set(run.items)), sorted(set(run.items) - set(base.items))
    return Problem(
        "subset",
        f"{len(only_base)} prompts only in {base.name}, {len(only_run)} only in {run.name}, "
        f"such as {shorten((only_base + only_run)[0])}",
        "compare runs of one subset",
    )


def _unequal(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
