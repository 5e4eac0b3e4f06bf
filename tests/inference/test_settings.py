"""A model's own generation config means the same on every path: what plain `generate` makes of a prompt alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import GenerationError
from alpacabench.core.records import digest
from alpacabench.inference.engine import Engine
from alpacabench.inference.loaded import Loaded, Way
from alpacabench.inference.loading import load
from alpacabench.inference.prompt import Encoder
from alpacabench.inference.spec import ChatFormat, DecodeSpec, ModelSpec, Task
from tests.helpers.tiny import build_tiny

TASKS = [Task(digest(i), (("user", "x" * n),)) for i, n in enumerate((3, 30, 11, 12))]
SETTINGS: list[dict[str, Any]] = [
    {"suppress_tokens": list(range(100, 200))},
    {"begin_suppress_tokens": list(range(5, 200))},
    {"forced_eos_token_id": 0},
    {"min_new_tokens": 6, "eos_token_id": [2, *range(100, 180)]},
    {"min_length": 40, "eos_token_id": [2, *range(100, 180)]},
    {"no_repeat_ngram_size": 1},
    {"bad_words_ids": [[i] for i in range(60, 160)]},
    {"encoder_repetition_penalty": 1.5, "exponential_decay_length_penalty": [2, 1.4]},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"))


def loaded_with(folder: Path, **settings: Any) -> Loaded:
    loaded = load(ModelSpec(str(folder), device="cpu"))
    loaded.settings.update(**settings)
    return loaded


def texts(loaded: Loaded, spec: DecodeSpec) -> list[str]:
    found = {answer.key: answer.text for answer in Engine(loaded).generate(TASKS, spec, ChatFormat(), 4)}
    return [found[task.key] for task in TASKS]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: next(iter(s)))
@pytest.mark.parametrize("way", [Way.BLOCKS, Way.PADDED])
def test_a_setting_means_what_generate_makes_of_it(
    folder: Path, settings: dict[str, Any], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    monkeypatch.setattr("alpacabench.inference.engine.way_of", lambda *values: way)
    loaded, model = loaded_with(folder, **settings), AutoModelForCausalLM.from_pretrained(folder).eval()
    encoder, plain, without = Encoder(loaded.tokenizer, ChatFormat(), loaded.eos, None), [], []
    for task in TASKS:
        ids = torch.tensor([encoder.encode(task.messages).ids])
        values = {"max_new_tokens": 10, "do_sample": False, "pad_token_id": 0, "attention_mask": torch.ones_like(ids)}
        for kept, given in ((plain, settings), (without, {})):
            eos = {"eos_token_id": sorted(encoder.stop_ids)}
            output = model.generate(ids, **values | given | eos)[0, ids.shape[1] :].tolist()
            kept.append(encoder.decode([token for token in output if token not in encoder.stop_ids]))
    assert texts(loaded, DecodeSpec(10)) == plain
    assert plain != without, "the setting must matter here"


@pytest.mark.parametrize("beams", [1, 2])
def test_a_models_own_stop_string_ends_an_answer(folder: Path, beams: int) -> None:
    whole = texts(loaded_with(folder), DecodeSpec(16, num_beams=beams))
    stop = next(text for text in whole if len(text) > 8)[3:5]
    cut = texts(loaded_with(folder, stop_strings=[stop]), DecodeSpec(16, num_beams=beams))
    assert cut == [text.split(stop)[0] for text in whole] and cut != whole


def test_beams_near_the_context_get_what_is_left(tmp_path: Path) -> None:
    loaded = load(ModelSpec(str(build_tiny(tmp_path, max_position_embeddings=128)), device="cpu"))
    tasks = [Task(digest(i), (("user", "x" * n),)) for i, n in enumerate((2, 4, 97, 3))]
    answers = {a.key: a for a in Engine(loaded).generate(tasks, DecodeSpec(20, num_beams=2), ChatFormat())}
    written = [answers[task.key].completion_tokens for task in tasks]
    long = answers[tasks[2].key]
    assert len(answers) == 4 and written[2] <= 128 - long.prompt_tokens < 20 and max(written) == 20


def test_a_setting_that_no_path_can_honour_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(GenerationError, match=r"guidance_scale=1\.5"):
        texts(loaded_with(folder, guidance_scale=1.5), DecodeSpec(4))


def test_an_end_that_is_no_token_ends_nothing(folder: Path) -> None:
    assert loaded_with(folder, eos_token_id=[2, None]).eos == {2}
