"""A LoRA directory is a model: its text is the merged model's, and adapter and base are what it is known by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alpacabench.decoding import Decoding
from alpacabench.inference.engine import Engine
from alpacabench.inference.loading import load
from alpacabench.inference.spec import DecodeSpec
from alpacabench.model.hf import HuggingFace
from alpacabench.sharding import Sharding
from tests.helpers.tiny import build_tiny
from tests.inference.test_generation import tasks, texts

pytest.importorskip("peft", reason="PEFT is absent: pip install 'alpacabench[peft]'")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base`, `lora` (which names the base) and `merged`, as PEFT itself merges and saves it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapters")
    base = build_tiny(folder / "base")
    model = AutoModelForCausalLM.from_pretrained(base)
    config = LoraConfig(r=4, lora_alpha=16, target_modules=["q_proj", "up_proj"], init_lora_weights=False)
    adapted = get_peft_model(model, config)
    adapted.save_pretrained(folder / "lora")
    adapted.merge_and_unload().save_pretrained(folder / "merged")
    for file in base.glob("tokenizer*"):
        shutil.copy(file, folder / "merged")
    return folder


def _texts(path: Path) -> dict[str, str]:
    model = HuggingFace(path=str(path), device="cpu")
    assert not list(model.problems())
    return texts(Engine(load(model.source.spec())), DecodeSpec(24), None, tasks(9))


def test_an_adapter_writes_the_merged_models_greedy_text(places: Path) -> None:
    lora = _texts(places / "lora")
    assert lora == _texts(places / "merged")
    assert lora != _texts(places / "base")


def test_adapter_and_base_are_the_identity_and_the_place_is_not(places: Path, tmp_path: Path) -> None:
    known = HuggingFace(path=str(places / "lora")).identity()
    for part in ("lora", "base"):
        shutil.copytree(places / part, tmp_path / part)
    moved = HuggingFace(path=str(tmp_path / "lora"), base=str(tmp_path / "base"))
    assert moved.identity() == known != HuggingFace(path=str(places / "base")).identity()
    assert moved.label == "lora"
    other = build_tiny(tmp_path / "other", seed=1)
    assert HuggingFace(path=str(tmp_path / "lora"), base=str(other)).identity() != known
    settings = json.loads((tmp_path / "lora" / "adapter_config.json").read_text())
    (tmp_path / "lora" / "adapter_config.json").write_text(json.dumps(settings | {"lora_alpha": 8}))
    assert moved.identity() != known


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ({"base_model_name_or_path": None}, "model.base", "names no base model"),
        ({"base_model_name_or_path": "no/such/base"}, "model.base", "no/such/base"),
        ({"peft_type": "PROMPT_TUNING"}, "model.path", "PROMPT_TUNING"),
    ],
    ids=["no base", "lost base", "prompt tuning"],
)
def test_what_cannot_be_merged_is_told_before_anything_is_loaded(
    places: Path, tmp_path: Path, change: dict[str, object], where: str, words: str
) -> None:
    lora = Path(shutil.copytree(places / "lora", tmp_path / "lora"))
    settings = json.loads((lora / "adapter_config.json").read_text())
    (lora / "adapter_config.json").write_text(json.dumps(settings | change))
    (problem,) = HuggingFace(path=str(lora)).problems()
    assert problem.where == where and words in problem.what and problem.remedy


def test_pickled_adapters_and_split_weights_are_refused_with_how_to_merge(places: Path, tmp_path: Path) -> None:
    lora = Path(shutil.copytree(places / "lora", tmp_path / "lora"))
    (problem,) = HuggingFace(path=str(lora)).check_with(Decoding(), Sharding(mode="zero3", num_processes=2))
    assert problem.where == "sharding" and "merge_and_unload" in problem.remedy
    (lora / "adapter_model.safetensors").rename(lora / "adapter_model.bin")
    (problem,) = HuggingFace(path=str(lora)).problems()
    assert "can execute code" in problem.what and "safe_serialization" in problem.remedy
