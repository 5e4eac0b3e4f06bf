"""Packed weights: the same products, chosen where they are faster, and nothing but torch's own linear layers."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from alpacabench.core.records import digest
from alpacabench.inference.cpu import packed
from alpacabench.inference.cpu.packed import FEW, STEP_ROWS, PackedLinear, pack
from alpacabench.inference.engine import Engine
from alpacabench.inference.loaded import Loaded
from alpacabench.inference.loading import load
from alpacabench.inference.spec import ChatFormat, Choice, DecodeSpec, ModelSpec, Task
from tests.helpers.tiny import build_tiny

ROOM = 1e9
TASKS = [Task(digest(i), (("user", f"Say {'x' * (i * 37 % 90)} {i}"),)) for i in range(7)]
CHOICES = [Choice(digest(i), (("user", f"Which {'y' * i}?"),), ("m", "M")) for i in range(7)]


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pack wherever it can be, as where the measurement says so for few rows and for many."""
    monkeypatch.setattr(packed, "faster", lambda layers: (True, True))


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(24,), (1, 24), (3, 5, 24), (STEP_ROWS + 1, 24), (0, 24)])
def test_a_packed_layer_computes_the_same(bias: bool, shape: tuple[int, ...]) -> None:
    plain = nn.Sequential(nn.Linear(24, 40, bias=bias))
    layer = copy.deepcopy(plain)
    assert pack(layer, ROOM)
    states = torch.randn(shape)
    with torch.inference_mode():
        torch.testing.assert_close(layer(states), plain(states), rtol=1e-5, atol=1e-5)
        turned = torch.randn(24, 9).t()
        torch.testing.assert_close(layer(turned), plain(turned), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("always")
def test_gradients_and_the_weights_themselves_are_as_before() -> None:
    layer = nn.Sequential(nn.Linear(8, 8))
    names, weight = list(layer.state_dict()), layer[0].weight
    assert pack(layer, ROOM)
    assert list(layer.state_dict()) == names
    assert layer[0].weight is weight
    layer(torch.randn(2, 8)).sum().backward()
    assert weight.grad is not None


@pytest.mark.usefixtures("always")
def test_only_torchs_own_float32_layers_are_packed_and_only_within_the_memory_that_is_given() -> None:
    class Own(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input) + 1

    model = nn.Sequential(nn.Linear(8, 8), Own(8, 8), nn.Linear(8, 8).bfloat16())
    size = model[0].weight.nbytes
    assert not pack(model, size - 1)
    assert [type(layer) for layer in model] == [nn.Linear, Own, nn.Linear]
    assert pack(model, size)
    assert [type(layer) for layer in model] == [PackedLinear, Own, nn.Linear]


@pytest.mark.parametrize("times", [(2.0, 1.0), (1.0, 2.0)])
def test_the_kernel_is_chosen_for_few_rows_and_for_many_by_time(
    monkeypatch: pytest.MonkeyPatch, times: tuple[float, float]
) -> None:
    monkeypatch.setattr(packed, "_seconds", lambda *kernels: list(times))
    model = nn.Sequential(nn.Linear(8, 8))
    assert pack(model, ROOM) == (times[1] < times[0])
    monkeypatch.setattr(packed, "faster", lambda layers: (True, False))
    few = nn.Sequential(nn.Linear(8, 8))
    assert pack(few, ROOM)
    asked: list[int] = []
    product = packed._product

    def counted(states: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        asked.append(len(states))
        return product(states, *values)

    monkeypatch.setattr(packed, "_product", counted)
    with torch.inference_mode():
        few(torch.randn(FEW, 8))
        few(torch.randn(STEP_ROWS + 1, 8))
    assert asked == [FEW]


def test_a_torch_without_the_kernels_goes_on_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*values: object) -> torch.Tensor:
        raise NotImplementedError("built without oneDNN")

    monkeypatch.setattr(packed, "_packed", missing)
    model = nn.Sequential(nn.Linear(8, 8))
    assert not pack(model, ROOM)
    assert type(model[0]) is nn.Linear


@pytest.mark.parametrize("tied", [True, False])
def test_texts_and_verdicts_are_those_of_torchs_own_products(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tied: bool
) -> None:
    folder = build_tiny(tmp_path, tie_word_embeddings=tied)

    def loaded(choice: bool) -> Loaded:
        monkeypatch.setattr(packed, "faster", lambda layers: (choice, choice))
        return load(ModelSpec(str(folder), device="cpu"))

    plain, other = loaded(False), loaded(True)
    assert isinstance(other.model.get_output_embeddings(), PackedLinear)
    assert not any(isinstance(layer, PackedLinear) for layer in plain.model.modules())
    assert _texts(other) == _texts(plain)
    for left, right in zip(_weighed(plain), _weighed(other), strict=True):
        assert left == pytest.approx(right, abs=1e-5)


def test_reduced_precision_is_left_alone(tmp_path: Path) -> None:
    model = load(ModelSpec(str(build_tiny(tmp_path)), device="cpu", dtype="bfloat16")).model
    assert not any(isinstance(layer, PackedLinear) for layer in model.modules())


def _texts(loaded: Loaded) -> dict[tuple[float, str], str]:
    specs = DecodeSpec(12), DecodeSpec(12, temperature=0.8)
    return {
        (spec.temperature, answer.key): answer.text
        for spec in specs
        for answer in Engine(loaded).generate(TASKS, spec, ChatFormat())
    }


def _weighed(loaded: Loaded) -> list[tuple[float, ...]]:
    found = {answer.key: answer.logprobs for answer in Engine(loaded).choose(CHOICES, ChatFormat())}
    return [found[choice.key] for choice in CHOICES]
