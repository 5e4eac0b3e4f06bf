"""The cache in blocks: which rows use a block, and the same text as transformers' own attention across blocks."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from alpacabench.core.records import digest
from alpacabench.inference.cpu.blocks import ATTENTION, BLOCK, BlockView, can_use_blocks, new_cache
from alpacabench.inference.cpu.cache import ColumnCache
from alpacabench.inference.engine import Engine
from alpacabench.inference.loading import load
from alpacabench.inference.spec import ChatFormat, DecodeSpec, ModelSpec, Task
from tests.helpers.tiny import build_tiny


@pytest.mark.parametrize("seed", range(20))
def test_a_block_is_read_for_the_rows_that_reach_it(seed: int) -> None:
    draw = random.Random(seed)
    lengths = [draw.randint(1, 300) for _ in range(draw.randint(1, 12))]
    end = draw.randint(max(lengths) - 1, 500)
    view = BlockView(start=end + 1 - max(lengths), end=end)
    view.measure(lengths)
    for i, reach in enumerate(view.reach):
        behind = (view.start // BLOCK + i + 1) * BLOCK
        users = [row for row, length in enumerate(lengths) if end + 1 - length < behind]
        assert reach == max(users) + 1


def test_rows_of_mixed_lengths_across_blocks_are_written_as_with_plain_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(ModelSpec(str(build_tiny(tmp_path)), device="cpu"))
    tasks = [Task(digest(i), (("user", "x" * (i * 53 % 290)),)) for i in range(14)]

    def texts(batch_size: int) -> dict[str, str]:
        answers = Engine(loaded).generate(tasks, DecodeSpec(90), ChatFormat(), batch_size)
        return {answer.key: answer.text for answer in answers}

    monkeypatch.setattr(
        "alpacabench.inference.decode.new_cache", lambda model, layers, rows, blocks: ColumnCache(layers, rows, 0)
    )
    expected = texts(5)
    monkeypatch.undo()
    assert texts(5) == expected
    assert loaded.model.config._attn_implementation == ATTENTION


def test_a_model_with_attention_of_another_kind_keeps_plain_columns(tmp_path: Path) -> None:
    loaded = load(ModelSpec(str(build_tiny(tmp_path)), device="cpu", attention="eager"))
    assert not can_use_blocks(loaded.model)
    assert isinstance(new_cache(loaded.model, 2, 4, can_use_blocks(loaded.model)), ColumnCache)
    assert loaded.model.config._attn_implementation == "eager"
