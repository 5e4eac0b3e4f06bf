"""The record of a run or a sweep, for whoever has to answer for it: printed and signed off, or verified.

    alpacabench audit outputs/runs/RUN > record.json       # who, what, when, data, judge, code, files by hash
    alpacabench audit --verify outputs/runs/RUN            # also: --verify record.json

Verifying compares every file of the run with the record: 0 where all is as it was, 3 where something was changed, each
change in a line, 4 where a signature cannot be checked. 1 and 2 are errors. With ALPACABENCH_AUDIT_KEY set, records are
signed with it when they are made, and a record without its signature is a change.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alpacabench.core.errors import DataError
from alpacabench.io.audit import AUDIT, KEY, changes, read_record, seal
from alpacabench.io.outputs import resolve
from alpacabench.security.console import Console

CHANGED, UNKNOWN = 3, 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="the directory of a run or a sweep, a record, or latest, ..."
    )
    parser.add_argument("--verify", action="store_true", help="compare every file with the record; exit 3 if changed")
    parser.add_argument("--by", metavar="NAME", help="who signs off (default: the user of this machine)")
    parser.add_argument("--out", metavar="FILE", help="write the record there instead of printing it")


def run(arguments: argparse.Namespace) -> int:
    """Print or verify; returns the exit code."""
    found = [pair for given in arguments.runs for pair in _records(given)]
    if arguments.verify:
        return _verify(found)
    broken = [f"{folder}: {change}" for record, folder in found for change in changes(record, folder)]
    if broken:
        print("\n".join([*broken, "not signed off: the files are not those of the record"]), file=sys.stderr)
        return CHANGED
    text = json.dumps(_signed_off([record for record, _ in found], arguments.by), indent=2, ensure_ascii=False) + "\n"
    if not arguments.out:
        print(text, end="")
        return 0
    try:
        Path(arguments.out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"--out: {arguments.out} cannot be written ({error.strerror})") from error
    return 0


def _signed_off(records: list[dict[str, Any]], by: str | None) -> dict[str, Any]:
    """Return one record, or several as one: nobody signs what lacks a name and a time."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    sign = {"signed_off": {"by": by or getpass.getuser(), "at": now, "given": [record["seal"] for record in records]}}
    return seal({**records[0], **sign} if len(records) == 1 else {"runs": records, "files": {}, **sign})


def _records(given: str) -> Iterator[tuple[dict[str, Any], Path]]:
    """Yield each record and the directory of its files: a run's, those of a sweep's jobs, or those of a file."""
    path = Path(resolve(given)).expanduser()
    if path.is_dir():
        files = [path / AUDIT] if (path / AUDIT).is_file() else sorted(path.glob(f"*/{AUDIT}"))
        if not files:
            raise DataError(f"RUN: {path} holds no {AUDIT}\n    give the directory of a run that this version made")
        for file in files:
            record = read_record(file)
            yield record, file.parent
            jobs = [file.parent / name for name in record["files"] if Path(name).name == AUDIT]
            yield from ((read_record(job), job.parent) for job in jobs if job.is_file())
        return
    record = read_record(path)
    yield record, _home(record, path)
    for one in record.get("runs", []):
        yield one, _home(one, path)


def _home(record: dict[str, Any], path: Path) -> Path:
    """Return where a record's files are: beside it, else where the run was made."""
    beside = all((path.parent / name).is_file() for name in record["files"])
    return path.parent if beside or not record.get("directory") else Path(record["directory"])


def _verify(found: list[tuple[dict[str, Any], Path]]) -> int:
    console, changed, unknown = Console(), 0, 0
    for record, folder in found:
        signed = "hmac_sha256" in record["seal"]
        unsigned = [f"the record is not signed, though {KEY} is set"] if os.environ.get(KEY) and not signed else []
        wrong = [*changes(record, folder), *unsigned]
        count = len(record["files"])
        for change in wrong:
            console.print(f"{folder}: {change}", markup=False, soft_wrap=True)
        if not wrong:
            console.print(f"{folder}: {count} files, all as they were", markup=False, soft_wrap=True)
        changed += bool(wrong)
        unknown += signed and not os.environ.get(KEY)
    if changed:
        return CHANGED
    if unknown:
        told = f"The signature was not checked: set {KEY} to the key that signed."
        console.print(told, markup=False, soft_wrap=True)
        return UNKNOWN
    return 0
