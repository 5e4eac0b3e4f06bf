"""JSON in canonical form, and the digest of many rows of which one is held at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def canonical(value: Any) -> bytes:
    """Return a JSON-serialisable value as text in canonical form: sorted keys, no spaces, UTF-8."""
    return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def digest_rows(rows: Iterable[Any]) -> str:
    """Return the SHA-256 hex digest of the list of these rows in canonical form."""
    found, before = hashlib.sha256(b"["), b""
    for row in rows:
        found.update(before + canonical(row))
        before = b","
    found.update(b"]")
    return found.hexdigest()
