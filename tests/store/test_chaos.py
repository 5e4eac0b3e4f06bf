"""A small share of `make chaos`: nothing is lost, wrong, or paid for twice beyond what was in flight."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.helpers.chaos.process import Kills
from tests.helpers.chaos.scenes import SCENES


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_what_is_promised_holds(tmp_path: Path, scene: object) -> None:
    result = scene(tmp_path / "scene", Kills(2, math.inf))  # type: ignore[operator]
    assert result.right, result
    assert result.answers
