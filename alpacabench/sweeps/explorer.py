"""The explorer of a sweep: every prompt with the answers of all jobs."""

from __future__ import annotations

from pathlib import Path

from alpacabench.analysis.explorer.finished import of_runs
from alpacabench.analysis.sweep.scored import ScoredSweep
from alpacabench.io.job_names import job_names
from alpacabench.report import explorer_page


def write_explorer(page: Path, title: str, sweep: ScoredSweep, base: int, tracked: str | None) -> Path | None:
    """Write the explorer beside the sweep's page and return its path; None where no job has an answer.

    Args:
        page: the sweep's page.
        title: the sweep's name.
        sweep: its finished and stopped jobs.
        base: number of the job that the others are compared with.
        tracked: address of MLflow's comparison of the jobs.

    """
    jobs = sorted((*sweep.jobs, *sweep.stopped), key=lambda job: job.result.number)
    if not jobs:
        return None
    names = job_names([job.params for job in jobs])
    first = next((n for n, job in enumerate(jobs) if job.result.number == base), 0)
    named = [(name or job.result.name, job.run) for name, job in zip(names, jobs, strict=True)]
    links = {"MLflow": tracked} if tracked else {}
    return explorer_page.write_explorer(page, of_runs(title, named, first, links))
