"""Names of metrics: what MLflow takes, so that metrics.json, reports and MLflow call a figure the same."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from alpacabench.core.records import digest

LONGEST = 250
_TAKEN = re.compile(r"[\w.\- :/]+")
_REFUSED = re.compile(r"[^\w.\- :]+")


def is_metric_name(name: object) -> bool:
    """Return whether MLflow takes a name.

    Source: mlflow 3, `utils/validation.py`, `_validate_metric_name`: its letters, and a path in its normal form.
    """
    if not isinstance(name, str) or not _TAKEN.fullmatch(name) or len(name) > LONGEST or name.strip() != name:
        return False
    return posixpath.normpath(name) == name and not name.startswith(("/", "..")) and name != "."


def slice_names(prefix: str, labels: Iterable[str]) -> dict[str, str]:
    """Return a metric's name for each label, which may be any text: a category of somebody's own data.

    What MLflow does not take becomes `_`; where two labels would then have one name, a digest keeps them apart.
    """
    labels = sorted(set(labels))
    plain = {label: f"{prefix}/{label}" for label in labels}
    fitting = {label: name if is_metric_name(name) else _fitting(prefix, label) for label, name in plain.items()}
    names = list(fitting.values())
    return {
        label: name if names.count(name) == 1 or name == plain[label] else f"{name}_{digest(label)[:8]}"
        for label, name in fitting.items()
    }


def _fitting(prefix: str, label: str) -> str:
    cleaned = " ".join(_REFUSED.sub("_", label).split())[: LONGEST - len(prefix) - 10].strip()
    return f"{prefix}/{cleaned}" if is_metric_name(f"{prefix}/{cleaned}") else f"{prefix}/{digest(label)[:8]}"
