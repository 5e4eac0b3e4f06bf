"""How fast models and judges were is remembered in the store, recent runs above all."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpacabench.store import speed
from alpacabench.store.speed import Speeds
from alpacabench.store.store import Store


def test_the_speed_is_that_of_the_latest_runs(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        speeds = Speeds(store.engine)
        assert speeds.per_unit("m") is None
        speeds.note("m", 100, 10.0)
        speeds.note("m", 0, 99.0)
        assert speeds.per_unit("m") == pytest.approx(0.1)
        for _ in range(10):
            speeds.note("m", 100, 20.0)
        assert Speeds(store.engine).per_unit("m") == pytest.approx(0.2, rel=0.01)
        assert speeds.per_unit("another") is None


def test_what_does_not_change_the_speed_does_not_change_its_name() -> None:
    judge = {"model_name": "m", "concurrency": 8, "seed": 0, "order": "seeded"}
    assert speed.reader(judge) == speed.reader(judge | {"seed": 1, "order": "both"})
    assert speed.reader(judge) != speed.reader(judge | {"concurrency": 1})
    assert speed.writer({"path": "m"}, {"mode": "none"}) != speed.writer({"path": "m"}, {"mode": "data_parallel"})
