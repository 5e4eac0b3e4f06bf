"""A variant of one system: a finished run, what its prompts were changed into, and how strongly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.locate import locate
from alpacabench.core.component import build
from alpacabench.core.errors import Problem
from alpacabench.io.rows import read_rows
from alpacabench.perturbation.base import Perturbation

BASE, FLOOR = "base", "floor"
LEVEL = re.compile(r"(?P<family>.+)_(low|medium|high|\d+)")
"""A variant's name is its family and a level, as `typos_low`; other names are families of their own."""

Kind = Literal["robustness", "effect"]
"""Whether the family keeps the task, or changes it on purpose: then a difference is no lack of robustness."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the model saw of one prompt."""

    text: str
    system: str | None = None
    edit_ratio: float = 0.0
    same_task: bool = True
    reasons: tuple[str, ...] = ()
    """Why the gate holds that the task changed."""


@dataclass(frozen=True)
class Variant:
    """One run of an ablation."""

    name: str
    run: FinishedRun
    strength: float | None = None
    """None where the files do not tell."""
    kind: Kind = "robustness"
    prompts: Mapping[str, Seen] = field(default_factory=dict)
    """By instruction; empty where the files do not tell a wording, as for recorded outputs."""
    gated: bool = True
    """Whether a prompt that the gate rejects does not count; False where the family changes the task on purpose."""

    @property
    def family(self) -> str:
        """The variant's name without its level."""
        match = LEVEL.fullmatch(self.name)
        return FLOOR if self.name.startswith(f"{FLOOR}_") else match["family"] if match else self.name

    def seen(self, instruction: str) -> Seen:
        """Return what the model saw; the instruction itself where the files do not tell."""
        return self.prompts.get(instruction) or Seen(instruction)

    def changed(self, instruction: str) -> bool:
        """Return whether the model saw anything but the instruction."""
        return _changed(self.seen(instruction), instruction)


@dataclass(frozen=True)
class System:
    """The runs of one system: nothing but the wording, or the decoding seed, differs between them."""

    base: Variant
    variants: tuple[Variant, ...]
    floors: tuple[Variant, ...]
    """Re-decodes of the unchanged prompts."""
    name: str = ""

    @property
    def decodes(self) -> tuple[Variant, ...]:
        """Every decode of the unchanged prompts, the base first."""
        return (self.base, *self.floors)


def read_variant(name: str, run: FinishedRun, kind: Kind | None = None, tracking_uri: str | None = None) -> Variant:
    """Return the variant with what its files tell of its prompts and its perturbation.

    Args:
        name: the variant's name.
        run: its verdicts; its `origin` is where the files are.
        kind: None takes that of the perturbation.
        tracking_uri: where the run is, if it is an MLflow run.

    """
    with locate(run.origin, tracking_uri) as files:
        prompts = _prompts(files.generations, run)
        perturbation = _perturbation(files.config)
    if perturbation is None or not any(_changed(seen, text) for text, seen in prompts.items()):
        # What makes it a variant is no perturbation of ours: recorded outputs, or a system prompt of the model.
        return Variant(name, run, kind=kind or "robustness")
    changes_task = perturbation.kind == "task_changing"
    return Variant(
        name,
        run,
        perturbation.strength,
        kind or ("effect" if changes_task else "robustness"),
        prompts,
        gated=perturbation.gated and kind != "effect",
    )


def _changed(seen: Seen, instruction: str) -> bool:
    return seen.text != instruction or seen.system is not None


def _prompts(path: Path | None, run: FinishedRun) -> dict[str, Seen]:
    if path is None:
        return {}
    by_index = {item.index: text for text, item in run.items.items()}
    rows = [row for row in read_rows(path, "generations") if row.get("sample") == 0 and "prompt" in row]
    return {
        by_index[row["item_id"]]: Seen(
            text=row["prompt"],
            system=row.get("system"),
            edit_ratio=row.get("edit_ratio") or 0.0,
            same_task=row.get("same_task", True),
            reasons=tuple(row.get("gate_reasons") or ()),
        )
        for row in rows
        if row["item_id"] in by_index
    }


def _perturbation(path: Path | None) -> Perturbation | None:
    """Return the run's perturbation; None where its configuration is not there or is of another version."""
    if path is None:
        return None
    from omegaconf import OmegaConf

    config: Any = OmegaConf.load(path)
    if not OmegaConf.is_config(config.get("perturbation")):
        return None
    problems: list[Problem] = []
    values: Any = OmegaConf.to_container(config.perturbation, resolve=True)
    built = build("perturbation", values, problems, kinds=(Perturbation,))
    return built if isinstance(built, Perturbation) else None
