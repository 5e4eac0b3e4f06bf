"""Files of labels: what people said of pairs of answers, by ids that survive shuffled rows and repeated runs.

A row has `id`, `labeller`, `preference` and `policy`. The id is a digest of an instruction and two answers in an order;
the preference is 1 where the first of these is better, 2 where the second is, 1.5 for a tie, null for "cannot say". So
a row means the same whichever answer is the model's, and tells nobody which one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from alpacabench.analysis.finished_run import Item
from alpacabench.core.errors import DataError
from alpacabench.core.records import digest
from alpacabench.io.rows import Row, read_rows
from alpacabench.scoring.arrays import Floats

KEY = "--labels"
ID = re.compile(r"[0-9a-f]{16}")
PREFERENCES = (1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class Label:
    """What one person said of one pair."""

    id: str
    labeller: str
    preference: float | None
    """1, 1.5 or 2; None is "cannot say"."""
    policy: str = ""
    """Digest of the policy that the person was given; empty where it is not told."""
    where: str = ""
    """File and row."""

    def as_row(self) -> dict[str, Any]:
        """Return the row of a label file."""
        return {name: value for name, value in asdict(self).items() if name != "where"}


def label_id(instruction: str, first: str | None, second: str | None) -> str:
    """Return the id of two answers in this order: 16 hexadecimal digits of the three texts."""
    return digest([instruction, first, second])[:16]


def pair_id(item: Item) -> str:
    """Return the id of a pair, the reference first: a preference of 1 is the reference, 2 the model."""
    return label_id(item.instruction, item.reference, item.output)


def read_label_files(paths: Sequence[str], key: str = KEY) -> list[Label]:
    """Return the labels of files, each of a pair by a person once; JSON, JSON lines or CSV.

    Raises:
        DataError: what `checked` raises; names the file and the row.

    """
    rows = ((f"{key}: {path}, row {n}", row) for path in paths for n, row in enumerate(read_rows(path, key), start=1))
    return checked((label_of(row, where) for where, row in rows), key)


def checked(labels: Iterable[Label], key: str = KEY) -> list[Label]:
    """Return each label once.

    Raises:
        DataError: no label, labels under several policies, or a person who says two things of one pair.

    """
    known: dict[tuple[str, str], Label] = {}
    policies: dict[str, str] = {}
    for label in labels:
        policies.setdefault(label.policy, label.where)
        held = known.setdefault((label.labeller, label.id), label)
        if held.preference != label.preference:
            before, now = ("cannot say" if one is None else f"{one:g}" for one in (held.preference, label.preference))
            raise DataError(
                f"{label.where}: '{label.labeller}' has said {before} of this pair ({held.where}), and now {now}\n"
                "    leave out the older file, or give two people two names"
            )
    if not known:
        raise DataError(f"{key}: no labels\n    each row needs id, labeller, preference and policy")
    if len(policies) > 1:
        seen = "; ".join(f"{policy or 'none told'} ({where})" for policy, where in policies.items())
        raise DataError(
            f"{key}: labels under {len(policies)} policies are not one measurement: {seen}\n"
            "    give those of one policy"
        )
    return list(known.values())


def of_run(labels: Iterable[Label], items: Sequence[Item]) -> list[Label]:
    """Return the labels of a run's pairs under the pairs' own ids: 1 is the reference, 2 the model.

    Labels of other pairs are left out. Of equal answers neither can be better, whatever a person says.
    """
    pairs = {label_id(item.instruction, item.output, item.reference): (item, True) for item in items}
    pairs |= {pair_id(item): (item, False) for item in items}
    found = []
    for label in labels:
        if label.id not in pairs:
            continue
        item, turned = pairs[label.id]
        value = label.preference
        if value is not None:
            value = 1.5 if item.reference == item.output else 3 - value if turned else value
        found.append(replace(label, id=pair_id(item), preference=value))
    return found


def others_than(labels: Iterable[Label], items: Sequence[Item]) -> list[Label]:
    """Return the labels of pairs that are none of these, in either order."""
    known = {label_id(item.instruction, *pair) for item in items
             for pair in ((item.output, item.reference), (item.reference, item.output))}  # fmt: skip
    return [label for label in labels if label.id not in known]


def by_item(labels: Iterable[Label], items: Sequence[Item]) -> dict[str, Floats]:
    """Return each person's preferences over a run's pairs in their order; NaN where there is none."""
    return _columns(labels, [pair_id(item) for item in items])


def by_pair(labels: Sequence[Label]) -> dict[str, Floats]:
    """Return each person's preferences over all pairs that anybody labelled; NaN where there is none."""
    return _columns(labels, sorted({label.id for label in labels}))


def _columns(labels: Iterable[Label], ids: Sequence[str]) -> dict[str, Floats]:
    place = {one: number for number, one in enumerate(ids)}
    found: dict[str, Floats] = {}
    for label in labels:
        column = found.setdefault(label.labeller, np.full(len(ids), np.nan))
        if label.preference is not None:
            column[place[label.id]] = label.preference
    return found


def label_of(row: Row, where: str) -> Label:
    """Return the label of one row.

    Raises:
        DataError: it cannot be used; the message starts with `where`.

    """
    given, labeller = row.get("id"), row.get("labeller")
    id_ = given.strip().lower() if isinstance(given, str) else ""
    if not ID.fullmatch(id_):
        raise DataError(
            f"{where}: no 'id' of a pair (given {given!r})\n"
            "    16 hexadecimal digits, as the page exports it; a spreadsheet may have turned it into a number"
        )
    if not isinstance(labeller, str) or not labeller.strip():
        raise DataError(f"{where}: no 'labeller' (given {labeller!r})\n    say in each row whose label it is")
    if "preference" not in row:
        raise DataError(f"{where}: no 'preference'\n    allowed: 1, 1.5, 2, or null for \"cannot say\"")
    preference = _preference(row["preference"], where)
    return Label(id_, labeller.strip(), preference, str(row.get("policy") or "").strip(), where)


def _preference(given: Any, where: str) -> float | None:
    """Return what a person said; alpaca_eval's old codes, 0 and -1, are none of it."""
    if given is None or isinstance(given, str) and given.strip().lower() in ("", "nan", "null", "none"):
        return None
    try:
        value = float(str(given).replace(",", ".")) if isinstance(given, int | float | str) else np.nan
    except ValueError:
        value = np.nan
    if value not in PREFERENCES or isinstance(given, bool):
        raise DataError(
            f"{where}: 'preference' is {given!r}\n"
            '    allowed: 1 (the first answer of the id is better), 1.5, 2 (the second), or null for "cannot say"'
        )
    return value
