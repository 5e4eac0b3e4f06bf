"""Every perturbation that conf/perturbation can give: each file, and each value of each key with a fixed choice."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from omegaconf import OmegaConf

from alpacabench.core.component import build
from alpacabench.perturbation.base import Perturbation

CONF = Path(__file__).resolve().parents[2] / "conf" / "perturbation"
STEMS = sorted(path.stem for path in CONF.glob("*.yaml"))
FROM_FILE = ("paraphrase", "translation")


def perturbation(stem: str, **overrides: Any) -> Perturbation:
    """Return the option's component, built as a run builds it."""
    config = OmegaConf.merge({"seed": 0}, {"perturbation": OmegaConf.load(CONF / f"{stem}.yaml")})
    values = OmegaConf.to_container(config, resolve=True)["perturbation"]
    values.pop("defaults", None)
    problems: list[Any] = []
    component = build("perturbation", values | overrides, problems, stem)
    assert isinstance(component, Perturbation), "\n".join(map(str, problems))
    return component


def choices() -> list[tuple[str, dict[str, str]]]:
    """Return (option, overrides) for every value of every fixed choice; an option without choices stands once."""
    found: list[tuple[str, dict[str, str]]] = []
    for stem in STEMS:
        fields = type(perturbation(stem)).model_fields
        fixed = [(key, value) for key, field in fields.items() for value in _values(field.annotation)]
        found += [(stem, {key: value}) for key, value in fixed] or [(stem, {})]
    return found


def _values(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def real_instructions(data: Path) -> list[str]:
    """Return the 805 real instructions from the data directory."""
    with gzip.open(data / "gpt4_1106_preview.outputs.json.gz", "rt", encoding="utf-8") as rows:
        return [row["instruction"] for row in json.load(rows)]
