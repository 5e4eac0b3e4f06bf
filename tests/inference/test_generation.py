"""The decode loop on a tiny random model: the text depends on the key alone, and nothing is lost on the way."""

from __future__ import annotations

import logging
import re

import pytest

from alpacabench.core.records import digest
from alpacabench.inference.engine import Engine
from alpacabench.inference.loaded import Loaded, Way
from alpacabench.inference.loading import load
from alpacabench.inference.spec import Answer, ChatFormat, Choice, DecodeSpec, ModelSpec, Task
from tests.helpers.tiny import build_tiny

GREEDY = DecodeSpec(24)
SAMPLED = DecodeSpec(24, temperature=0.9, top_p=0.9)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(ModelSpec(str(build_tiny(tmp_path_factory.mktemp("tiny")))))


@pytest.fixture
def engine(loaded: Loaded) -> Engine:
    return Engine(loaded)


def tasks(count: int = 17) -> list[Task]:
    return [Task(digest(i), (("user", f"Say {'x' * (i * 7 % 90)} {i}"),)) for i in range(count)]


def texts(engine: Engine, spec: DecodeSpec, batch_size: int | None, asked: list[Task] | None = None) -> dict[str, str]:
    return {a.key: a.text for a in engine.generate(asked or tasks(), spec, ChatFormat(), batch_size)}


def alone(loaded: Loaded, task: Task, limit: int) -> list[int]:
    """Decode one prompt with transformers' own generate."""
    import torch

    from alpacabench.inference.prompt import Encoder

    encoder = Encoder(loaded.tokenizer, ChatFormat(), loaded.eos, None)
    ids = torch.tensor([encoder.encode(task.messages).ids])
    output = loaded.model.generate(
        ids, max_new_tokens=limit, do_sample=False, eos_token_id=sorted(encoder.stop_ids), pad_token_id=0
    )
    return output[0, ids.shape[1] :].tolist()


@pytest.mark.parametrize("spec", [GREEDY, SAMPLED, DecodeSpec(24, temperature=1.0, top_k=20)], ids=str)
def test_the_text_does_not_depend_on_the_batch_size_or_on_company(engine: Engine, spec: DecodeSpec) -> None:
    expected = texts(engine, spec, None)
    assert len(expected) == 17
    for batch_size in (1, 3, 8):
        assert texts(engine, spec, batch_size) == expected
    assert texts(engine, spec, 4, tasks()[5:9]) == {t.key: expected[t.key] for t in tasks()[5:9]}


def test_greedy_text_equals_transformers_own(engine: Engine, loaded: Loaded) -> None:
    ours = texts(engine, GREEDY, 5)
    for task in tasks(6):
        ids = alone(loaded, task, 24)
        assert ours[task.key] == loaded.tokenizer.decode(ids, skip_special_tokens=True)


def test_sampling_follows_the_key_and_greedy_does_not(engine: Engine) -> None:
    other = [Task(digest(["again", t.key]), t.messages) for t in tasks(6)]
    assert list(texts(engine, SAMPLED, 6, other).values()) != list(texts(engine, SAMPLED, 6, tasks(6)).values())
    assert sorted(texts(engine, GREEDY, 6, other).values()) == sorted(texts(engine, GREEDY, 6, tasks(6)).values())


def test_tasks_with_values_of_their_own_share_a_batch_and_get_the_text_that_they_get_alone(engine: Engine) -> None:
    specs = (
        GREEDY, SAMPLED, DecodeSpec(24, temperature=1.0, top_k=20), DecodeSpec(7), DecodeSpec(24, stop=("e",)),
        DecodeSpec(24, repetition_penalty=1.5), DecodeSpec(12, num_beams=3),
    )  # fmt: skip
    mixed = [Task(digest([task.key, n]), task.messages, spec) for task in tasks(6) for n, spec in enumerate(specs)]
    expected: dict[str, str] = {}
    for spec in specs:
        plain = [Task(task.key, task.messages) for task in mixed if task.spec == spec]
        expected |= texts(engine, spec, 5, plain)
    assert len(set(expected.values())) > 12
    for batch_size in (None, 1, 4):
        found = list(engine.generate(mixed, GREEDY, ChatFormat(), batch_size))
        assert {answer.key: answer.text for answer in found} == expected
    together = [a.batch_size for a in engine.generate(mixed[::7] + mixed[1::7], GREEDY, ChatFormat(), 12)]
    assert max(together) == 12


def test_an_answer_that_reaches_the_limit_is_marked(engine: Engine) -> None:
    answers = list(engine.generate(tasks(8), DecodeSpec(3), ChatFormat()))
    assert all(a.completion_tokens <= 3 for a in answers)
    assert {a.finish_reason for a in answers if a.completion_tokens == 3} <= {"length", "stop"}
    assert any(a.finish_reason == "length" for a in answers)


def test_a_stop_string_ends_the_answer_and_is_cut_off(engine: Engine) -> None:
    whole = texts(engine, GREEDY, None)
    key, text = next((k, t) for k, t in whole.items() if len(t) > 8)
    stop = text[4:6]
    answer = next(a for a in engine.generate(tasks(), DecodeSpec(24, stop=(stop,)), ChatFormat()) if a.key == key)
    assert answer.text == text[: text.find(stop)]
    assert answer.finish_reason == "stop"


def test_a_repetition_penalty_changes_the_text_as_transformers_does(engine: Engine, loaded: Loaded) -> None:
    import torch

    from alpacabench.inference.prompt import Encoder

    ours = texts(engine, DecodeSpec(24, repetition_penalty=1.5), 5)
    encoder = Encoder(loaded.tokenizer, ChatFormat(), loaded.eos, None)
    for task in tasks(4):
        ids = torch.tensor([encoder.encode(task.messages).ids])
        output = loaded.model.generate(
            ids, max_new_tokens=24, do_sample=False, repetition_penalty=1.5,
            eos_token_id=sorted(encoder.stop_ids), pad_token_id=0,
        )  # fmt: skip
        assert ours[task.key] == loaded.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)


def test_beam_search_does_not_depend_on_the_batch(engine: Engine) -> None:
    spec = DecodeSpec(12, num_beams=3)
    assert texts(engine, spec, 12, tasks(7)) == texts(engine, spec, 3, tasks(7))
    assert texts(engine, spec, 12, tasks(7)) != texts(engine, DecodeSpec(12), 12, tasks(7))


def test_whole_batches_sample_the_same_text_as_the_loop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = texts(engine, SAMPLED, 4, tasks(7))
    monkeypatch.setattr("alpacabench.inference.engine.way_of", lambda *values: Way.PADDED)
    assert texts(engine, SAMPLED, 4, tasks(7)) == expected


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_memory_that_runs_out_halves_the_batch_and_loses_nothing(
    loaded: Loaded, limit: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    expected = texts(Engine(loaded), SAMPLED, None)
    forward = loaded.model.forward
    passes = 0

    def small(*args: object, **kwargs: object) -> object:
        nonlocal passes
        passes += 1
        if kwargs["input_ids"].shape[0] > limit and passes > 3:  # type: ignore[attr-defined]
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        return forward(*args, **kwargs)

    monkeypatch.setattr(loaded.model, "forward", small)
    monkeypatch.setattr("alpacabench.inference.engine.lane_count", lambda loaded, rows: 1)  # one series of halvings
    with caplog.at_level(logging.WARNING):
        assert texts(Engine(loaded), SAMPLED, 16) == expected
    sizes = [16, *(int(size) for size in re.findall(r"going on with (\d+)", caplog.text))]
    assert len(sizes) >= 3
    assert all(after <= before // 2 for before, after in zip(sizes, sizes[1:], strict=False))


def test_an_answer_that_does_not_fit_alone_is_a_failure(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def never(*args: object, **kwargs: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")

    monkeypatch.setattr(loaded.model, "forward", never)
    answers = list(Engine(loaded).generate(tasks(3), GREEDY, ChatFormat(), 2))
    assert [a.failure for a in answers] == ["out of memory with this answer alone"] * 3


def test_a_prompt_that_fills_the_context_is_a_failure_of_its_own(engine: Engine) -> None:
    long = Task(digest("long"), (("user", "y" * 600),))
    answers = {a.key: a for a in engine.generate([*tasks(2), long], GREEDY, ChatFormat())}
    assert "context holds 512" in str(answers[long.key].failure)
    assert all(answers[t.key].failure is None for t in tasks(2))


def test_prompt_and_answer_together_never_leave_the_context(engine: Engine) -> None:
    long = Task(digest("long"), (("user", "y" * 460),))
    answer: Answer = next(engine.generate([long], DecodeSpec(400), ChatFormat()))
    assert answer.prompt_tokens + answer.completion_tokens <= 512


def test_choices_are_weighed_as_the_full_distribution_says(engine: Engine, loaded: Loaded) -> None:
    import torch

    from alpacabench.inference.prompt import Encoder

    asked = [Choice(t.key, t.messages, ("A", "B")) for t in tasks(9)]
    weighed = {a.key: a for a in engine.choose(asked, ChatFormat())}
    encoder = Encoder(loaded.tokenizer, ChatFormat(), loaded.eos, None)
    for choice in asked:
        ids = torch.tensor([encoder.encode(choice.messages).ids])
        with torch.inference_mode():
            logprobs = loaded.model(ids).logits[0, -1].log_softmax(-1)
        options = [loaded.tokenizer(o, add_special_tokens=False)["input_ids"][0] for o in choice.options]
        assert weighed[choice.key].logprobs == pytest.approx([logprobs[i].item() for i in options], abs=1e-4)


def test_a_choice_of_one_token_is_a_failure(engine: Engine) -> None:
    answer = next(engine.choose([Choice("ab", (("user", "x"),), ("A", "Ab"))], ChatFormat()))
    assert "same token" in str(answer.failure)


def test_gumbel_noise_samples_the_distribution() -> None:
    import torch

    from alpacabench.inference.sampling import choose

    count = 20000
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(count, -1)
    seeds = torch.arange(count, dtype=torch.int64) * 7919
    steps = torch.zeros(count, dtype=torch.int64)
    drawn = choose(logits, DecodeSpec(1, temperature=1.0), seeds, steps).bincount(minlength=4) / count
    assert drawn.tolist() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.012)
    nucleus = choose(logits, DecodeSpec(1, temperature=1.0, top_p=0.75), seeds, steps).bincount(minlength=4) / count
    assert nucleus.tolist() == pytest.approx([0.625, 0.375, 0, 0], abs=0.012)
