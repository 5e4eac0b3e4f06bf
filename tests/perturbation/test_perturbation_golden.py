"""Fixed outputs: the same edits on every platform and in every version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.perturbation_options import FROM_FILE, choices, perturbation

ROOT = Path(__file__).resolve().parents[2]
TEXT = (
    "Please explain why the colour of my Dutch roses isn't what I expected.\nI am planting twelve more; "
    'what is "deadheading", and are 2 weeks enough?\n\nSoil: heavy clay.'
)
GOLDEN = json.loads(
    (Path(__file__).resolve().parents[1] / "data" / "perturbation_golden.json").read_text(encoding="utf-8")
)
CASES = ["-".join([stem, *keys.values()]) for stem, keys in choices() if stem not in FROM_FILE]


def test_every_choice_has_a_fixed_output() -> None:
    assert sorted(GOLDEN) == sorted(CASES)


@pytest.mark.parametrize(("stem", "keys"), [case for case in choices() if case[0] not in FROM_FILE])
def test_the_output_is_what_it_always_was(stem: str, keys: dict[str, str]) -> None:
    family = perturbation(stem, **keys)
    expected = GOLDEN["-".join([stem, *keys.values()])]
    found = [family.perturb(TEXT, strength, 7, item) for strength, item in ((0.4, "0"), (0.4, "611"), (1.0, "0"))]
    assert [*found, family.system(1.0, 7, "0")] == expected


OTHER_PROCESS = """
import json, sys
from tests.helpers.perturbation_options import FROM_FILE, choices, perturbation
from tests.perturbation.test_perturbation_golden import TEXT
cases = [perturbation(stem, **keys) for stem, keys in choices() if stem not in FROM_FILE]
print(json.dumps([family.perturb(TEXT, strength, 7, "0") for family in cases for strength in (0.4, 1.0)]))
"""


def test_neither_hash_seed_nor_locale_changes_an_edit() -> None:
    found = []
    for settings in (
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Asia/Tokyo"},
    ):
        done = subprocess.run(
            [sys.executable, "-c", OTHER_PROCESS], cwd=ROOT, env=os.environ | settings, capture_output=True, check=True
        )
        found.append(json.loads(done.stdout))
    here = [perturbation(stem, **keys) for stem, keys in choices() if stem not in FROM_FILE]
    assert found == [[family.perturb(TEXT, strength, 7, "0") for family in here for strength in (0.4, 1.0)]] * 2
