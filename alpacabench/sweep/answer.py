"""Which setting is better, by how much, and is it luck: the sweep's table, page and figures."""
from __future__ import annotations
from pathlib import Path

def conclude(manifest, results, directory: Path, base):
    for r, p in results: print(r.number, r.name, r.status, r.failure)
    return {}, []
