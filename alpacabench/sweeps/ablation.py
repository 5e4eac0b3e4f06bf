"""The ablation's end of a sweep that varies `variant`: `ablation.html` and `ablation.json`, one pair per system."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from alpacabench.analysis.ablation.answer import answer
from alpacabench.analysis.ablation.table import AblationTable
from alpacabench.analysis.ablation.variant import BASE, FLOOR, System, Variant, read_variant
from alpacabench.analysis.sweep.scored import ScoredJob, ScoredSweep
from alpacabench.core.errors import DataError
from alpacabench.io.manifest import label
from alpacabench.io.run_files import write_json
from alpacabench.report.ablation_report import write_ablation_report
from alpacabench.report.explorer_page import EVERY_ANSWER, PAGE
from alpacabench.sweeps.conclude import FinishedSweep

log = logging.getLogger(__name__)

AXIS = "variant"


def conclude_ablation(sweep: FinishedSweep) -> tuple[dict[str, float], list[Path]]:
    """Write the pages of a sweep over `variant`; returns the metrics and the files, none for another sweep.

    What else the sweep varies makes systems: each has its own page, and metrics named `figure/system`.
    """
    found: dict[str, float] = {}
    files: list[Path] = []
    if AXIS not in sweep.axes:
        return found, files
    for name, jobs in _groups(sweep.scored).items():
        system = _system(name, jobs, sweep.base)
        if system is None:
            log.warning("No ablation%s: it needs variant=base and another variant", f" of {name}" if name else "")
            continue
        try:
            table = answer(system, sweep.difficulties, title=f"{sweep.title}, {name}" if name else sweep.title)
        except DataError as error:
            log.warning("No ablation%s: %s", f" of {name}" if name else "", error)
            continue
        files += write_files(sweep.directory / (f"ablation-{_slug(name)}" if name else "ablation"), table)
        found |= {f"{key}/{_slug(name)}" if name else key: value for key, value in table.metrics.items()}
    return found, files


def write_files(stem: Path, table: AblationTable) -> list[Path]:
    """Write the page and the same as JSON, and say where."""
    page, data = stem.with_name(f"{stem.name}.html"), stem.with_name(f"{stem.name}.json")
    write_json(data, table.as_json())
    # One explorer, the sweep's, has every variant.
    write_ablation_report(page, table, {EVERY_ANSWER: PAGE} if page.with_name(PAGE).is_file() else {})
    for warning in table.warnings:
        log.warning("%s", warning)
    print(f"Ablation report: {page}")
    return [page, data]


def _groups(sweep: ScoredSweep) -> dict[str, list[ScoredJob]]:
    """Return the jobs by what varies besides the variant."""
    groups: dict[str, list[ScoredJob]] = {}
    for job in sweep.jobs:
        rest = {key: value for key, value in job.params.items() if key != AXIS}
        groups.setdefault(label(rest) if rest else "", []).append(job)
    return groups


def _system(name: str, jobs: Sequence[ScoredJob], base: int) -> System | None:
    """Return the runs of one system; None without a base or without anything to compare it with."""
    variants = {job.result.number: read_variant(_variant(job), job.run) for job in jobs}
    unchanged = next((v for v in variants.values() if v.name == BASE), variants.get(base))
    others: list[Variant] = [variant for variant in variants.values() if variant is not unchanged]
    if unchanged is None or not others:
        return None
    return System(
        base=unchanged,
        variants=tuple(variant for variant in others if variant.family != FLOOR),
        floors=tuple(variant for variant in others if variant.family == FLOOR),
        name=name,
    )


def _variant(job: ScoredJob) -> str:
    return job.params.get(AXIS, "")


def _slug(name: str) -> str:
    """Return a system's name with the characters that file and metric names may have."""
    return re.sub(r"[^\w.-]+", "_", name)
