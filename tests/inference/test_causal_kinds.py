"""Greedy text of tiny random models of every causal kind against plain `generate`, one prompt at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.causal_kinds import kinds
from tests.helpers.compare_kinds import compare

ROOT = Path(__file__).parents[2]
BATCH = 24
"""Kinds per process: what one of them breaks or holds is gone with the process."""

EQUAL = 182
"""The least number of kinds that transformers itself can continue, with the version that the lock names."""


@pytest.mark.parametrize(
    "kind", ["gemma4_text", "deepseek_v2", "mamba", "recurrent_gemma", "lfm2", "marian", "bloom"], ids=str
)
def test_a_kind_that_the_fast_path_cannot_do_writes_what_generate_writes(kind: str, tmp_path: Path) -> None:
    """Sizes per layer, latent attention, states, padding that is read, convolutions, a forced end, no positions."""
    assert compare(kind, tmp_path)["result"] == "equal"


@pytest.mark.slow
def test_every_causal_kind_writes_what_generate_writes_or_is_refused(tmp_path: Path) -> None:
    named = kinds()
    found: list[dict[str, Any]] = []
    for start in range(0, len(named), BATCH):
        command = [sys.executable, "-W", "ignore", "-m", "tests.helpers.compare_kinds", str(tmp_path)]
        run = subprocess.run(
            [*command, *named[start : start + BATCH]], cwd=ROOT, capture_output=True, text=True, timeout=3600,
            env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
        assert run.returncode == 0, run.stderr[-2000:]
        found += [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    for row in found:
        print(f"{row['kind']:28}{row['result']:10}{row.get('way', ''):9}{row.get('cause', '')[:80]!r}")
    assert [row["kind"] for row in found] == named
    assert [row for row in found if row["result"] not in ("equal", "refused")] == []
    assert sum(row["result"] == "equal" for row in found) >= EQUAL
    assert all(str(tmp_path) in row["cause"] or row["kind"] in row["cause"] for row in found if "cause" in row)
