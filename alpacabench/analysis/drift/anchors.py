"""A pinned set of pairs that a judge is asked again and again, and the record of what it said."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.core.errors import DataError
from alpacabench.core.records import Example, Pair, digest
from alpacabench.io.json_text import loads
from alpacabench.io.run_files import write_json
from alpacabench.judge.base import Judge
from alpacabench.store.store import Store

BASELINE_REPEATS, REPEATS = 4, 2
"""How often each pair is judged for the baseline and for a check: the baseline serves every check, so it has more."""
LEAST = 10
"""Anchors below which no change could be told from chance."""
KEPT_SECONDS = 86_400.0
"""How long the verdicts of an interrupted round are kept: a round is of one day."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a judge said on one day."""

    date: str
    verdicts: dict[str, list[float]]
    """Preferences in [1, 2] by the digest of the pair, one per repeat; only pairs that have them all."""
    missing: int
    """Pairs without them."""
    served: dict[str, dict[str, int]]
    """What the server called its model and its `system_fingerprint`, with the number of verdicts."""

    @property
    def complete(self) -> bool:
        """Whether so few verdicts are missing (2%, as in a run) that the round says something of the judge."""
        return self.missing <= 0.02 * (self.missing + len(self.verdicts))


def anchors_of(run: FinishedRun) -> list[Pair]:
    """Return the pairs of a finished run that a judge can be asked about.

    Raises:
        DataError: the files do not hold the texts, or fewer than 10 pairs do not have two equal answers.

    """
    pairs = [
        Pair(Example(i.index, i.instruction, i.reference, i.source, i.category), i.instruction, i.reference, i.output)
        for i in run.items.values()
        if i.output is not None and i.reference is not None and i.output != i.reference
    ]
    if len(pairs) < LEAST:
        raise DataError(
            f"--anchors: {run.origin} holds {len(pairs)} pairs of two different answers\n"
            f"    give a run directory, or annotations with output_1 and output_2, of at least {LEAST} pairs"
        )
    return pairs


def record_path(folder: Path, judge: Judge, pairs: Sequence[Pair]) -> Path:
    """Return the file of a judge's record on these pairs: another judge, prompt, order or pair has another."""
    key = digest([judge.prompt_hash(), judge.order, judge.seed, [_key(pair) for pair in pairs]])[:12]
    return folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '_', judge.label)[:80]}-{key}.json"


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a record; None where there is none yet.

    Raises:
        DataError: the file is no record.

    """
    if not path.is_file():
        return None
    try:
        found = loads(path.read_bytes())
        rounds = [found["baseline"], *found["checks"]]
        for one in rounds:
            round_of(one)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no record of drift ({error!r})\n    move it away: a new baseline is made"
        ) from error
    return dict(found)


def round_of(row: Mapping[str, Any]) -> Round:
    """Return a round as a record holds it."""
    verdicts = {str(key): [float(v) for v in values] for key, values in row["verdicts"].items()}
    return Round(str(row["date"]), verdicts, int(row["missing"]), dict(row["served"]))


def ask_round(judge: Judge, pairs: Sequence[Pair], repeats: int, path: Path) -> Round:
    """Ask the judge about every pair anew; verdicts of an interrupted round of the same day are not asked again.

    Raises:
        StageError: it cannot be asked; what it said is kept beside the record for a day.

    """
    asked = judge.model_copy(update={"repeats": repeats})
    pending = path.with_suffix(".pending.db")
    path.parent.mkdir(parents=True, exist_ok=True)
    if pending.is_file() and time.time() - pending.stat().st_mtime > KEPT_SECONDS:
        _forget(pending)
    with Store(f"sqlite:///{pending}") as store:
        verdicts = asked.judge(pairs, store)
        payloads = store.get("verdict", {v.key for v in verdicts if v.key})
    said: dict[str, dict[int, list[float | None]]] = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        said[_key(verdict.pair)][verdict.repeat].append(verdict.preference)
    whole = {
        key: [sum(values) / len(values) for values in by_repeat.values()]  # type: ignore[arg-type]
        for key, by_repeat in said.items()
        if all(value is not None for values in by_repeat.values() for value in values)
    }
    found = Round(
        datetime.now(UTC).isoformat(timespec="seconds"), whole, len(pairs) - len(whole), _served(payloads.values())
    )
    if found.complete:
        _forget(pending)
    return found


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record in one step."""
    write_json(path, record)


def _served(payloads: Any) -> dict[str, dict[str, int]]:
    names: dict[str, Counter[str]] = {"model": Counter(), "system_fingerprint": Counter()}
    for payload in payloads:
        served = payload.get("served")
        for name, counter in names.items():
            if isinstance(served, dict) and isinstance(served.get(name), str):
                counter[served[name]] += 1
    return {name: dict(counter) for name, counter in names.items()}


def _forget(pending: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        pending.with_name(pending.name + suffix).unlink(missing_ok=True)


def _key(pair: Pair) -> str:
    return digest([pair.instruction, pair.reference, pair.output])[:16]
