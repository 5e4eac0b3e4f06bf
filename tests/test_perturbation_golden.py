"""Fixed outputs: the same edits on every platform and in every version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.perturbation_options import FROM_FILE, choices, perturbation

TEXT = (
    "Please explain why the colour of my Dutch roses isn't what I expected.\nI am planting twelve more; "
    'what is "deadheading", and are 2 weeks enough?\n\nSoil: heavy clay.'
)
GOLDEN = json.loads((Path(__file__).parent / "data" / "perturbation_golden.json").read_text(encoding="utf-8"))
CASES = ["-".join([stem, *keys.values()]) for stem, keys in choices() if stem not in FROM_FILE]


def test_every_choice_has_a_fixed_output() -> None:
    assert sorted(GOLDEN) == sorted(CASES)


@pytest.mark.parametrize(("stem", "keys"), [case for case in choices() if case[0] not in FROM_FILE])
def test_the_output_is_what_it_always_was(stem: str, keys: dict[str, str]) -> None:
    family = perturbation(stem, **keys)
    expected = GOLDEN["-".join([stem, *keys.values()])]
    found = [family.perturb(TEXT, strength, 7, item) for strength, item in ((0.4, "0"), (0.4, "611"), (1.0, "0"))]
    assert [*found, family.system(1.0, 7, "0")] == expected
