"""A sweep without a judge: the jobs' answers and the figures of answers alone; nothing is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alpacabench.analysis.estimate import finite
from alpacabench.analysis.explorer.finished import of_answers
from alpacabench.core.errors import DataError
from alpacabench.core.records import Example
from alpacabench.io.job_names import job_names
from alpacabench.io.json_text import loads
from alpacabench.io.manifest import JobResult, Manifest, label
from alpacabench.report import explorer_page
from alpacabench.report.answers_report import HEADLINE, AnswersRow, AnswersTable, show, write_answers_report
from alpacabench.report.csv_file import write_rows
from alpacabench.sweeps.conclude import SUMMED, Results


def conclude_answers(
    manifest: Manifest, results: Results, directory: Path, examples: Sequence[Example] | None, tracked: str | None
) -> tuple[dict[str, float], list[Path], str]:
    """Write the sweep's files and show the table; returns the sweep's metrics, files and the note for MLflow.

    Args:
        manifest: the sweep.
        results: how every job ended, and its directory.
        directory: the sweep's directory.
        examples: the data set of all jobs; None where they have several, and there is no explorer.
        tracked: address of MLflow's comparison of the jobs.

    """
    found = [(result, path, _metrics(path)) for result, path in results]
    names = job_names([result.params for result, _ in results])
    rows = [
        AnswersRow(name or result.name, figures if result.status == "finished" else {}, result.failure or "")
        for name, (result, _, figures) in zip(names, found, strict=True)
    ]
    about = {"varied": ", ".join(manifest.axes), "sweep": manifest.identity[:16]}
    table = AnswersTable(manifest.name, rows, about | ({"in MLflow": tracked} if tracked else {}))
    explorer = _explorer(manifest, results, directory, names, examples, tracked)
    files = [
        _csv(directory / "sweep.csv", manifest.axes, found),
        write_answers_report(directory / "sweep.html", table, explorer.name if explorer else None),
        *([explorer] if explorer else []),
    ]
    show(table)
    print(f"Sweep report: {files[1]}")
    done = [figures for result, _, figures in found if result.status == "finished"]
    metrics: dict[str, float] = {"n_jobs": len(rows), "n_failed_jobs": len(rows) - len(done)}
    for name in SUMMED:
        known = [one[name] for one in done if finite(one.get(name))]
        if done and len(known) == len(done):
            metrics[name] = sum(known)
    parts = [f"**{HEADLINE}**", f"Report: `{files[1]}`", f"[Compare the jobs]({tracked})" if tracked else ""]
    return metrics, files, "\n\n".join(filter(None, parts))


def _metrics(directory: Path) -> dict[str, float]:
    """Return a job's figures with the number of its answers; empty where its process did not come to write them."""
    try:
        content, answers = (loads((directory / name).read_bytes()) for name in ("metrics.json", "model_outputs.json"))
    except (OSError, ValueError):
        return {}
    return {"n_answers": len(answers), **content}


def _csv(path: Path, axes: Sequence[str], found: Sequence[tuple[JobResult, Path, Mapping[str, float]]]) -> Path:
    table: list[dict[str, Any]] = [
        {"job": result.number}
        | {axis: result.params.get(axis) for axis in axes}
        | {"status": result.status}
        | (dict(sorted(figures.items())) if result.status == "finished" else {})
        | {"seconds": result.seconds, "identity": result.identity, "failure": result.failure}
        for result, _, figures in found
    ]
    return write_rows(path, list(dict.fromkeys(key for row in table for key in row)), table, end="\r\n")


def _explorer(
    manifest: Manifest, results: Results, directory: Path, names: Sequence[str], examples: Sequence[Example] | None,
    tracked: str | None,
) -> Path | None:  # fmt: skip
    done = [(name or label(r.params), path) for name, (r, path) in zip(names, results, strict=True) if _answered(path)]
    if not done or examples is None:
        return None
    try:
        content = of_answers(manifest.name, done, examples, {"MLflow": tracked} if tracked else {})
    except DataError:  # a job's file that its process did not come to write
        return None
    return explorer_page.write_explorer(directory / "sweep.html", content)


def _answered(directory: Path) -> bool:
    return (directory / "generations.jsonl").is_file()
