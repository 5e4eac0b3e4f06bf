"""What identifies a local model is found without torch, and unsafe or missing files are refused before loading."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from alpacabench.decoding import Decoding
from alpacabench.inference.weights.bundled import BUNDLED
from alpacabench.model.hf import HuggingFace
from alpacabench.model.vllm import Vllm
from alpacabench.sharding import Sharding
from tests.helpers.tiny import NO_TENSORS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACABENCH_CACHE", str(tmp_path / "cache"))


def model_files(folder: Path, weights: bytes = b"weights", template: str = "{{ messages }}", **config: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "num_attention_heads": 9} | config))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(NO_TENSORS + weights)
    return folder


def test_the_identity_follows_weights_template_dtype_and_quantisation_and_not_the_place(tmp_path: Path) -> None:
    base = HuggingFace(path=str(model_files(tmp_path / "a"))).identity()
    assert HuggingFace(path=str(model_files(tmp_path / "b"))).identity() == base
    assert HuggingFace(path=str(model_files(tmp_path / "c", weights=b"other"))).identity() != base
    assert HuggingFace(path=str(model_files(tmp_path / "d", template="{{ 1 }}"))).identity() != base
    assert HuggingFace(path=str(tmp_path / "a"), dtype="bfloat16").identity() != base
    assert HuggingFace(path=str(tmp_path / "a"), quantization="8bit").identity() != base
    assert HuggingFace(path=str(tmp_path / "a"), template="hh").identity() != base


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("generation_config.json", '{"eos_token_id": 7}'),
        ("tokenizer.json", '{"model": {}}'),
        ("tokenizer_config.json", '{"chat_template": "{{ messages }}", "eos_token": "<end>"}'),
        ("special_tokens_map.json", '{"eos_token": "<end>"}'),
    ],
)
def test_the_identity_follows_the_tokenizer_and_where_answers_end(tmp_path: Path, name: str, content: str) -> None:
    folder = model_files(tmp_path / "a")
    before = HuggingFace(path=str(folder)).identity()
    (folder / name).write_text(content)
    assert HuggingFace(path=str(folder)).identity() != before


def test_saving_a_model_with_a_newer_library_keeps_its_identity(tmp_path: Path) -> None:
    folder = model_files(tmp_path / "a", transformers_version="5.0.0")
    (folder / "generation_config.json").write_text('{"eos_token_id": 2, "transformers_version": "5.0.0"}')
    before = HuggingFace(path=str(folder)).identity()
    model_files(tmp_path / "a", transformers_version="5.1.0")
    (folder / "generation_config.json").write_text('{"transformers_version": "5.1.0", "eos_token_id": 2}')
    assert HuggingFace(path=str(folder)).identity() == before


def test_weights_that_change_in_place_change_the_identity(tmp_path: Path) -> None:
    model = HuggingFace(path=str(model_files(tmp_path / "a")))
    before = model.identity()
    model_files(tmp_path / "a", weights=b"changed!")
    assert model.identity() != before


def test_the_identity_is_found_without_torch_or_transformers(tmp_path: Path) -> None:
    folder = model_files(tmp_path / "a")
    code = (
        "import sys; from alpacabench.model.hf import HuggingFace; from alpacabench.judge.local import LocalJudge\n"
        f"m = HuggingFace(path={str(folder)!r}); assert not list(m.problems()); m.identity()\n"
        f"LocalJudge(model_name={str(folder)!r}).identity()\n"
        "print([n for n in ('torch', 'transformers', 'accelerate', 'numpy') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_hub_repository_in_the_cache_is_identified_by_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--org--name"
    model_files(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    model = HuggingFace(path="org/name")
    assert not list(model.problems())
    assert model.identity()["weights"] == {"repository": "org/name", "commit": commit, "gguf": None}
    assert model.source.spec().revision == commit


@pytest.mark.parametrize("path", ["/no/such/model/here", "org/absent"])
def test_a_model_that_does_not_exist_is_refused_by_name(path: str) -> None:
    problem = next(iter(HuggingFace(path=path).problems()))
    assert problem.where == "model.path" and path in problem.what and problem.remedy


def test_the_default_weights_name_the_set_up_where_they_are_absent() -> None:
    problem = next(iter(HuggingFace(path=BUNDLED).problems()))
    assert "make setup" in problem.remedy


def test_pickled_weights_and_foreign_code_are_refused_unless_allowed(tmp_path: Path) -> None:
    folder = model_files(tmp_path / "a", model_type="made_up", auto_map={"AutoModel": "x.Y"})
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    keys = {problem.where for problem in HuggingFace(path=str(folder)).problems()}
    assert keys == {"model.trust_remote_code", "model.allow_pickle"}
    assert not list(HuggingFace(path=str(folder), trust_remote_code=True, allow_pickle=True).problems())


def test_a_missing_backend_is_refused_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {"vllm", "bitsandbytes"}  # `make test-all` installs the second
    monkeypatch.setattr("alpacabench.core.extras.find_spec", lambda name: None if name in absent else find_spec(name))
    folder = model_files(tmp_path / "a")
    remedies = [p.remedy for p in Vllm(path=str(folder)).problems()]
    remedies += [p.remedy for p in HuggingFace(path=str(folder), quantization="4bit").problems()]
    assert "pip install 'alpacabench[vllm]'" in remedies
    assert "pip install 'alpacabench[quantization]'" in remedies


def test_decoding_and_sharding_values_that_a_backend_cannot_honour_are_refused_by_name(tmp_path: Path) -> None:
    model = Vllm(path=str(model_files(tmp_path / "a")))
    problems = {
        p.where for p in model.check_with(Decoding(num_beams=3), Sharding(mode="data_parallel", num_processes=2))
    }
    assert problems == {"decoding.num_beams", "sharding"}
    local = HuggingFace(path=str(tmp_path / "a"))
    degree = list(local.check_with(Decoding(num_beams=3), Sharding(mode="tensor_parallel", num_processes=2)))
    assert [p.where for p in degree] == ["sharding.num_processes"]
