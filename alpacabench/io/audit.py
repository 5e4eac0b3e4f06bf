"""`audit.json`, the record of one run: what it was, the SHA-256 of each of its files, and a seal over all of it.

The seal shows every change that was made without making the record anew. Against somebody who makes it anew only the
HMAC of a secret key helps (`ALPACABENCH_AUDIT_KEY`; RFC 2104).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from alpacabench.core.errors import DataError
from alpacabench.core.records import digest
from alpacabench.io.json_text import loads
from alpacabench.io.run_files import write_json
from alpacabench.security.redact import redact_tree

AUDIT = "audit.json"
KEY = "ALPACABENCH_AUDIT_KEY"


def seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record with its seal: its own SHA-256 in canonical form, and an HMAC where a key is set."""
    bare = redact_tree({name: value for name, value in record.items() if name != "seal"})
    sealed = {"sha256": digest(bare)}
    if key := os.environ.get(KEY):
        sealed["hmac_sha256"] = _hmac(key, sealed["sha256"])
    return {**bare, "seal": sealed}


def write_record(directory: Path, record: Mapping[str, Any], files: Iterable[Path]) -> Path:
    """Write audit.json over files of the directory, in the order of their names."""
    found = {str(path.relative_to(directory)): hashed(path) for path in sorted(set(files))}
    return write_json(directory / AUDIT, seal({**record, "files": found}))


def close_record(directory: Path, *files: Path) -> None:
    """Add what was written after the record, a log's last lines too; nothing where there is no record."""
    if (directory / AUDIT).is_file():
        record = read_record(directory / AUDIT)
        write_record(directory, record, [*files, *(directory / name for name in record["files"])])


def read_record(path: Path) -> dict[str, Any]:
    """Return a record.

    Raises:
        DataError: there is none, or the file holds something else.

    """
    try:
        record = loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no record of a run ({error})\n    give the directory of a run") from error
    shape = {"files": dict, "seal": dict}
    if not isinstance(record, dict) or not all(isinstance(record.get(key), kind) for key, kind in shape.items()):
        raise DataError(f"{path}: no record of a run\n    give the directory of a run, or a record that audit wrote")
    return record


def changes(record: Mapping[str, Any], directory: Path) -> Iterator[str]:
    """Yield what is not as it was when the record was made, in words; nothing where all is."""
    seals = record["seal"]
    if seals.get("sha256") != digest({name: value for name, value in record.items() if name != "seal"}):
        yield "the record itself was changed: its seal does not fit"
    key, signed = os.environ.get(KEY), seals.get("hmac_sha256")
    if key and signed and not hmac.compare_digest(str(signed), _hmac(key, str(seals.get("sha256")))):
        yield f"the record was signed with another key than the one in {KEY}"
    for name, known in record["files"].items():
        if reason := _changed(directory, str(name), known if isinstance(known, dict) else {}):
            yield f"{name}: {reason}"


def _changed(directory: Path, name: str, known: Mapping[str, Any]) -> str | None:
    path = directory / name
    if not path.resolve().is_relative_to(directory.resolve()):
        return "is outside the run's directory"
    if not path.is_file():
        return "is missing"
    found = hashed(path)
    if found == known:
        return None
    size = known.get("bytes")
    if path.suffix == ".log" and isinstance(size, int) and size < found["bytes"] and hashed(path, size) == known:
        return f"{found['bytes'] - size} bytes were added after the record was made"
    return f"SHA-256 is {found['sha256'][:16]} ({found['bytes']} bytes), was {str(known.get('sha256'))[:16]} ({size})"


def hashed(path: Path, size: int | None = None) -> dict[str, Any]:
    """Return `bytes` and `sha256` of a file, or of its first `size` bytes; it is read in pieces.

    Raises:
        OSError: it cannot be read.

    """
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256") if size is None else hashlib.sha256(file.read(size))
        return {"bytes": file.tell(), "sha256": content.hexdigest()}


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()
