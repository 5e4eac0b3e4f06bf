"""What lies below outputs/: runs and sweeps, the newest first, and the names `latest`, `latest-1`, ... for runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alpacabench.core.errors import DataError
from alpacabench.io.json_text import loads
from alpacabench.io.manifest import MANIFEST, JobResult, Manifest, label, read_results

OUTPUTS = Path("outputs")
LATEST = re.compile(r"latest(?:-(\d{1,6}))?")
NOT_RUNS = ("artifacts", "mlruns")
"""Directories that hold copies of runs."""
ANNOTATIONS, METRICS, STARTED = "annotations.json", "metrics.json", ".hydra/overrides.yaml"
LABELS = re.compile(r'    "(annotator|generator_2)": ("(?:[^"\\]|\\.)*")')
"""A line of annotations.json as we write it; a line end inside of a text is escaped."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run or a sweep below a directory."""

    directory: Path
    kind: str
    """`run`, `sweep`, or `job` of a sweep."""
    status: str
    """As a job of a sweep ends; `unfinished` is what runs still, or was interrupted."""
    ended: float
    """Seconds since 1970 at which the result was written; without one, at which the directory was last changed."""
    label: str = ""
    """What was chosen: a run's overrides, a job's part of what varies, a sweep's name."""
    model: str = ""
    judge: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    jobs: tuple[Entry, ...] = ()
    """Of a sweep, by number."""
    name: str = ""
    """What it is called where a run is taken: `latest`, `latest-1`, ...; empty for all but finished runs."""

    @property
    def comparable(self) -> bool:
        """Whether it is a run with verdicts."""
        return self.kind != "sweep" and bool(self.metrics) and (self.directory / ANNOTATIONS).is_file()


def entries(root: Path) -> list[Entry]:
    """Return the runs and sweeps below a directory, the newest first; the jobs of a sweep stand in it."""
    folders = list(_folders(root))
    sweeps = [_sweep(folder) for folder in folders if (folder / MANIFEST).is_file()]
    of_sweeps = {job.directory for sweep in sweeps for job in sweep.jobs}
    runs = [_run(folder) for folder in folders if folder not in of_sweeps and _is_run(folder)]
    newest = sorted((*runs, *sweeps), key=_age)
    ages = sorted((one for entry in newest for one in (entry, *entry.jobs) if one.comparable), key=_age)
    names = {one.directory: f"latest-{age}" if age else "latest" for age, one in enumerate(ages)}
    return [_named(entry, names) for entry in newest]


def resolve(given: str, root: Path = OUTPUTS) -> str:
    """Return the directory that `latest` or `latest-N` names; any other text, and a path that exists, as it is.

    Raises:
        DataError: there are not so many finished runs.

    """
    if not LATEST.fullmatch(given) or Path(given).exists():
        return given
    found = {one.name: one for entry in entries(root) for one in (entry, *entry.jobs) if one.name}
    if given in ("latest-0", *found):
        return str(found["latest" if given == "latest-0" else given].directory)
    count = f"{len(found) or 'no'} finished run{'s' if len(found) > 1 else ''}"
    raise DataError(
        f"RUN: given '{given}', but of {count} below {Path.cwd() / root}{os.sep} none has that name\n"
        "    `alpacabench runs` lists them with their names; a run elsewhere is named by its path"
    )


def _age(entry: Entry) -> tuple[float, list[int | str]]:
    """Return what sorts the newest first; of two that ended together the later job."""
    parts = re.split(r"(\d+)", str(entry.directory))
    return -entry.ended, [-int(part) if part.isdecimal() else part for part in parts]


def _named(entry: Entry, names: Mapping[Path, str]) -> Entry:
    jobs = tuple(_named(job, names) for job in entry.jobs)
    return replace(entry, jobs=jobs, name=names.get(entry.directory, ""))


def _folders(root: Path) -> Iterator[Path]:
    for place, inside, _ in os.walk(root):
        inside[:] = [name for name in inside if not name.startswith(".") and name not in NOT_RUNS]
        yield Path(place)


def _is_run(folder: Path) -> bool:
    return (folder / STARTED).is_file() or all((folder / name).is_file() for name in (ANNOTATIONS, METRICS))


def _run(folder: Path) -> Entry:
    metrics = _metrics(folder)
    written = folder / METRICS if metrics else folder
    labels = _labels(folder / ANNOTATIONS)
    return Entry(
        directory=folder,
        kind="run",
        status="finished" if metrics else "unfinished",
        ended=written.stat().st_mtime_ns / 1e9,
        label=" ".join(_overrides(folder / STARTED)),
        model=labels.get("generator_2", ""),
        judge=labels.get("annotator", ""),
        metrics=metrics,
    )


def _sweep(folder: Path) -> Entry:
    try:
        manifest, results = Manifest.read(folder), read_results(folder)
    # Written by another version, or half a copy: it is listed, and the runs in it as runs.
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Entry(folder, "sweep", "unreadable", folder.stat().st_mtime)
    jobs = tuple(_job(result, path) for result, path in results)
    done = (folder / "sweep.html").is_file()
    waiting = len(manifest.jobs) > len(jobs) or not done
    failed = any(job.status in ("failed", "skipped") for job in jobs)
    written = folder / "sweep.html" if done else folder
    status = "unfinished" if waiting else "failed" if failed else "finished"
    return Entry(folder, "sweep", status, written.stat().st_mtime_ns / 1e9, manifest.name, jobs=jobs)


def _job(result: JobResult, folder: Path) -> Entry:
    found = _run(folder)
    return replace(found, kind="job", status=result.status, label=label(result.params) or result.name)


def _metrics(folder: Path) -> dict[str, float]:
    try:
        content = loads((folder / METRICS).read_bytes())
    except (OSError, ValueError):
        return {}
    found = content.items() if isinstance(content, dict) else ()
    return {name: value for name, value in found if isinstance(value, int | float)}


def _labels(annotations: Path) -> dict[str, str]:
    """Return the model and the judge that the first rows name; no other part of the file is read."""
    labels: dict[str, str] = {}
    try:
        with annotations.open(encoding="utf-8") as file:
            for line in file:
                if found := LABELS.match(line):
                    labels.setdefault(found[1], loads(found[2]))
                if len(labels) == 2:
                    break
    except (OSError, ValueError):
        pass
    return labels


def _overrides(path: Path) -> Sequence[str]:
    """Return what was typed, without what says only where things are kept."""
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return []
    elsewhere = ("hydra.", "store.", "tracking")
    return [str(one) for one in given if not str(one).startswith(elsewhere)] if isinstance(given, list) else []
