"""Loading: GGUF files, 8-bit and 4-bit weights, checkpoints that lack weights, packages that are not installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.errors import GenerationError
from alpacabench.core.records import Example, Prompt, digest
from alpacabench.decoding import Decoding
from alpacabench.inference.engine import Engine
from alpacabench.inference.loading import load, unload
from alpacabench.inference.spec import ChatFormat, DecodeSpec, ModelSpec, Task
from alpacabench.model.hf import HuggingFace
from alpacabench.sharding import Sharding
from alpacabench.store.store import Store
from tests.helpers.command import run
from tests.helpers.tiny import build_tiny
from tests.helpers.tiny_gguf import build_tiny_gguf

TASKS = [Task(digest(i), (("user", f"Say {'x' * i} {i}"),)) for i in range(4)]


def texts(spec: ModelSpec) -> dict[str, str]:
    return {a.key: a.text for a in Engine(load(spec)).generate(TASKS, DecodeSpec(12), ChatFormat())}


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACABENCH_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("own_cache")
def test_a_gguf_file_writes_the_text_of_the_same_weights_in_a_directory(tmp_path: Path) -> None:
    directory, file = build_tiny_gguf(tmp_path)
    prompts = [Prompt(Example(i, f"Q{i}", "r"), f"Say {'x' * i}") for i in range(3)]
    answers: list[list[tuple[str | None, int]]] = []
    for path in (directory, file):
        model = HuggingFace(path=str(path), device="cpu")
        assert not list(model.problems())
        with Store(f"sqlite:///{tmp_path}/store.db") as store:
            written = model.generate(prompts, Decoding(max_new_tokens=12), Sharding(), store)
        assert not any(a.cached for a in written)
        answers.append([(a.text, a.prompt_tokens) for a in written])
    unload()
    assert answers[0] == answers[1] and all(text for text, _ in answers[0])


@pytest.mark.usefixtures("own_cache")
def test_a_gguf_file_without_template_is_a_base_model(tmp_path: Path) -> None:
    _, file = build_tiny_gguf(tmp_path, template=None)
    (problem,) = HuggingFace(path=str(file)).problems()
    assert problem.where == "model.template" and "model.template=raw" in problem.remedy
    assert not list(HuggingFace(path=str(file), template="chatml").problems())


def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = build_tiny(tmp_path / "tiny")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(GenerationError, match=r"lacks 1 weights.*model\.layers\.1\.mlp\.up_proj\.weight"):
        load(ModelSpec(str(folder), device="cpu"))


def with_config(folder: Path, **values: Any) -> ModelSpec:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))
    return ModelSpec(str(folder), device="cpu")


def test_weights_of_other_sizes_are_refused_with_both_sizes(tmp_path: Path) -> None:
    spec = with_config(build_tiny(tmp_path / "tiny"), vocab_size=100)
    with pytest.raises(GenerationError, match=r"2 weights of other sizes.*lm_head\.weight is \[261, 48\].*\[100, 48\]"):
        load(spec)


def test_weights_that_the_model_does_not_have_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load(with_config(build_tiny(tmp_path / "tiny"), num_hidden_layers=1))
    assert "9 weights in the files are no part of the model" in caplog.text and "model.layers.1." in caplog.text


@pytest.mark.parametrize("device", ["cuda:99", "gpu"])
def test_a_device_that_is_not_there_is_named(tmp_path: Path, device: str) -> None:
    with pytest.raises(GenerationError, match=f"model.device: given '{device}'"):
        load(ModelSpec(str(build_tiny(tmp_path / "tiny")), device=device))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_pointer_of_git_lfs_is_named(tmp_path: Path, name: str) -> None:
    folder = build_tiny(tmp_path / "tiny")
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123\n")
    (problem,) = HuggingFace(path=str(folder)).problems()
    assert name in problem.what and "git lfs pull" in problem.remedy


@pytest.mark.parametrize(
    ("quantization", "expected"),
    [
        ("8bit", {"load_in_8bit": True, "load_in_4bit": False}),
        ("4bit", {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": "bfloat16"}),
    ],
)
def test_quantisation_reaches_transformers_as_its_own_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quantization: Any, expected: dict[str, Any]
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    folder = build_tiny(tmp_path / "tiny")
    original, given = AutoModelForCausalLM.from_pretrained, {}

    def from_pretrained(source: str, **values: Any) -> Any:
        given.update(values)
        return original(source, output_loading_info=True)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)
    load(ModelSpec(str(folder), dtype="bfloat16", device="cpu", quantization=quantization))
    config = given["quantization_config"]
    assert isinstance(config, BitsAndBytesConfig)
    for name, value in expected.items():
        assert getattr(config, name) == (getattr(torch, value) if value == "bfloat16" else value)
    assert given["device_map"] == {"": torch.device("cpu")} and given["dtype"] == torch.bfloat16


@pytest.mark.parametrize(("quantization", "layer"), [("8bit", "Linear8bitLt"), ("4bit", "Linear4bit")])
def test_quantised_weights_write_answers(tmp_path: Path, quantization: Any, layer: str) -> None:
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes: pip install bitsandbytes")
    folder = build_tiny(tmp_path / "tiny", hidden_size=128, intermediate_size=128, num_attention_heads=4)
    spec = ModelSpec(str(folder), dtype="bfloat16", device="cpu", quantization=quantization)
    assert type(load(spec).model.model.layers[0].self_attn.q_proj).__name__ == layer
    assert len(texts(spec)) == len(TASKS)


@pytest.mark.parametrize(
    ("package", "overrides", "line"),
    [
        ("vllm", ["model=vllm"], "pip install 'alpacabench[vllm]'"),
        ("bitsandbytes", ["model=hf", "model.quantization=8bit"], "pip install 'alpacabench[quantization]'"),
        ("bitsandbytes", ["model=hf", "model.quantization=4bit"], "pip install 'alpacabench[quantization]'"),
        ("flash_attn", ["model=hf", "model.attention=flash_attention_2"], "pip install flash-attn"),
    ],
)
def test_a_missing_package_fails_before_anything_is_loaded_with_the_line_that_installs_it(
    tmp_path: Path, package: str, overrides: list[str], line: str
) -> None:
    if find_spec(package):
        pytest.skip(f"{package} is installed here")
    folder = build_tiny(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"loading these would fail in another way")
    outcome = run(tmp_path, *overrides, f"model.path={folder}", "judge=longest", "tracking=none")
    assert outcome.code == 2
    assert line in outcome.text and "Traceback" not in outcome.text
    assert not (tmp_path / "outputs" / "store.db").exists()


def test_a_missing_deepspeed_is_named_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpacabench.core.extras.find_spec", lambda name: None if name == "deepspeed" else True)
    (problem,) = Sharding(mode="zero3", num_processes=2).problems()
    assert problem.remedy == "pip install 'alpacabench[deepspeed]'"
