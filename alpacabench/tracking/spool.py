"""What could not be sent: one directory per job below outputs/spool, sent later by `alpacabench sync`."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from alpacabench.core.context import current
from alpacabench.core.errors import DataError
from alpacabench.core.records import digest
from alpacabench.io.json_text import loads
from alpacabench.io.manifest import Run, SweepLink
from alpacabench.io.run_files import write_json
from alpacabench.security.output import shown
from alpacabench.security.redact import redact, redact_tree
from alpacabench.tracking.base import JobRecord
from alpacabench.tracking.example import ExampleRow

RECORD = "record.json"


@dataclass(frozen=True, slots=True)
class Spooled:
    """One job, or one sweep's parent, that waits to be sent."""

    directory: Path
    experiment: str
    uri: str
    """Where it should have gone, redacted."""
    traces: int | Literal["all"]
    parent: bool
    """Whether it is the parent run of a sweep."""
    job: JobRecord
    run: str | None = None
    """Id of the run that was begun there."""


def spool_directory() -> Path:
    """Return the directory of what waits."""
    return current().directory / "outputs" / "spool"


def put(
    job: JobRecord, experiment: str, uri: str, traces: int | Literal["all"], parent: bool = False,
    run: str | None = None,
) -> Path:  # fmt: skip
    """Keep a job with copies of its files; one that waits already under the same identity is replaced."""
    asked_by = job.sweep.identity if job.sweep else str(job.directory)
    target = spool_directory() / digest([asked_by, job.sweep.job if job.sweep else job.identity, parent])[:24]
    partial = target.with_name(f".{target.name}")
    for old in (partial, target):
        shutil.rmtree(old, ignore_errors=True)
    (partial / "files").mkdir(parents=True)
    kept = [Path(shutil.copy2(path, partial / "files")) for path in job.files if path.is_file()]
    record = asdict(replace(job, files=())) | {"directory": str(job.directory), "files": [path.name for path in kept]}
    content = {
        "experiment": experiment,
        "uri": redact(uri),
        "traces": traces,
        "parent": parent,
        "run": run,
        "job": redact_tree(record),
    }
    write_json(partial / RECORD, content)
    partial.rename(target)
    return target


def waiting(directory: Path) -> list[Path]:
    """Return the directories of what waits."""
    return sorted(path.parent for path in directory.glob(f"[!.]*/{RECORD}"))


def read(directory: Path) -> Spooled:
    """Return what waits in a directory.

    Raises:
        DataError: its record cannot be read.

    """
    path = directory / RECORD
    try:
        content = loads(path.read_bytes())
        return Spooled(directory=directory, job=_job(content.pop("job"), directory), **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} cannot be read ({error!r}); remove {directory}, and the run is not tracked") from error


def _job(row: dict[str, Any], directory: Path) -> JobRecord:
    files = [_own(directory, name) for name in row.pop("files")]
    examples = [ExampleRow.from_json(example) for example in row.pop("examples")]
    link = row.pop("sweep")
    sweep = SweepLink(**link | {"run": Run(**link["run"])}) if link else None
    return JobRecord(**row | {"directory": directory, "files": files, "examples": examples, "sweep": sweep})


def _own(directory: Path, name: str) -> Path:
    """Return a file of the record; a path to another, or a link, is no file of its own: somebody else wrote it."""
    path = directory / "files" / name
    if name in (".", "..") or Path(name).name != name or path.is_symlink() or path.parent.is_symlink():
        raise ValueError(f"it names '{shown(str(name))}', which is no file of its own")
    return path
