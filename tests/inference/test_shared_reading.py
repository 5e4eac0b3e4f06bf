"""What prompts share is read once, and every verdict is the one of the prompt alone."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.records import digest
from alpacabench.inference.engine import Engine
from alpacabench.inference.loaded import Loaded
from alpacabench.inference.loading import load
from alpacabench.inference.prefix_tree import LEAST, parts, spans
from alpacabench.inference.rank_sync import Alone, Together
from alpacabench.inference.self_check import shares_prefixes
from alpacabench.inference.spec import ChatFormat, Choice, ChoiceAnswer, ModelSpec
from tests.helpers.causal_kinds import build
from tests.helpers.tiny import build_tiny

RULES = "Say which answer is better, and keep these rules in mind. "
STRETCHED = {"rope_type": "longrope", "original_max_position_embeddings": 48}
QUESTIONS = [
    Choice(digest(f"{i} {j}"), (("user", f"{RULES}Question {i}, {'of all ' * 9 * i}answer {'x' * j}."),), ("m", "M"))
    for i in range(4)
    for j in (1, 2, 30)
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(ModelSpec(str(build_tiny(tmp_path_factory.mktemp("tiny"))), device="cpu"))


@pytest.fixture
def read(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens every forward pass read."""
    sizes: list[int] = []
    forward = loaded.model.forward

    def counted(*args: object, **values: Any) -> object:
        sizes.append(values["input_ids"].numel())
        return forward(*args, **values)

    monkeypatch.setattr(loaded.model, "forward", counted)
    return sizes


def weighed(loaded: Loaded, tokens: int | None = None) -> dict[str, ChoiceAnswer]:
    return {answer.key: answer for answer in Engine(loaded).choose(QUESTIONS, ChatFormat(), tokens)}


@pytest.mark.parametrize("tokens", [None, 700, 1])
def test_verdicts_are_those_of_every_prompt_alone(loaded: Loaded, read: list[int], tokens: int | None) -> None:
    loaded.shares_prefixes = False
    alone = weighed(loaded, 1)
    plainly = sum(read)
    loaded.shares_prefixes = None
    assert shares_prefixes(loaded, Engine(loaded)._encoder(ChatFormat()), Alone())
    read.clear()
    found = weighed(loaded, tokens)
    assert found.keys() == alone.keys()
    for key, answer in found.items():
        assert answer.logprobs == pytest.approx(alone[key].logprobs, abs=1e-5)
        assert answer.prompt_tokens == alone[key].prompt_tokens
    assert sum(read) < plainly * (0.5 if tokens is None else 0.75 if tokens > 1 else 1.01)


def test_any_prompts_are_the_spans_of_their_way_and_nothing_long_is_read_twice() -> None:
    draw = random.Random(0)
    for _ in range(300):
        roots = [[draw.randrange(3) for _ in range(draw.randrange(1, 90))] for _ in range(3)]
        prompts = [
            [*draw.choice(roots)[: draw.randrange(1, 90)], *(draw.randrange(3) for _ in range(draw.randrange(0, 60)))]
            for _ in range(draw.randrange(1, 12))
        ]
        found = spans(prompts)
        assert sorted(span.prompt for span in found if span.prompt is not None) == list(range(len(prompts)))
        for number, span in enumerate(found):
            assert all(any(before is earlier for earlier in found[:number]) for before in span.before)
            if span.prompt is None:
                assert len(span.ids) >= LEAST
                assert sum(any(b is span for b in other.before) for other in found) > 1
            else:
                assert [token for part in (*span.before, span) for token in part.ids] == prompts[span.prompt]
                assert span.ids


def test_equal_prompts_and_one_that_begins_another_end_with_a_token_of_their_own() -> None:
    long = list(range(LEAST + 1))
    found = spans([long, long, [*long, 7], long[:5]])
    assert {span.prompt: len(span.ids) for span in found if span.prompt is not None} == {0: 1, 1: 1, 2: 2, 3: 5}
    assert [len(span.ids) for span in found if span.prompt is None] == [LEAST]


def test_parts_hold_every_prompt_once_and_no_more_new_tokens_than_one_pass() -> None:
    prompts = [[i // 5] * 40 + [i] * (i % 7 + 1) for i in range(50)]
    found = list(parts(prompts, 200))
    assert sorted(i for part in found for i in part) == list(range(50))
    assert all(sum(len(span.ids) for span in spans([prompts[i] for i in part])) <= 400 for part in found)
    assert [len(part) for part in parts(prompts, 1)] == [1] * 50


@pytest.mark.parametrize("kind", ["mamba", "gpt2", "gemma3_text", "mistral"])
def test_where_a_cache_is_more_than_keys_and_values_every_prompt_is_read_whole(tmp_path: Path, kind: str) -> None:
    loaded = load(ModelSpec(str(build(kind, tmp_path)), device="cpu"))
    found = weighed(loaded)
    assert loaded.shares_prefixes is (kind != "mamba")
    loaded.shares_prefixes = False
    for key, answer in weighed(loaded, 1).items():
        assert found[key].logprobs == pytest.approx(answer.logprobs, abs=1e-4)


def test_nothing_is_shared_in_joint_passes_or_by_embeddings_that_follow_the_length(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Engine(loaded)._encoder(ChatFormat())
    monkeypatch.setattr(loaded, "shares_prefixes", None)
    assert not shares_prefixes(loaded, encoder, Together())
    monkeypatch.setattr(loaded, "shares_prefixes", None)
    monkeypatch.setattr(loaded.model.config, "rope_parameters", STRETCHED)
    assert not shares_prefixes(loaded, encoder, Alone())
