"""`model=vllm` against a package laid out as vLLM's: what reaches it, and how its outputs are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alpacabench.core.context import opened
from alpacabench.core.records import Example, Prompt
from alpacabench.decoding import Decoding
from alpacabench.model.vllm import Vllm
from alpacabench.sharding import Sharding
from alpacabench.store.store import Store
from tests.helpers.fakes import vllm_package
from tests.helpers.tiny import NO_TENSORS, build_tokenizer

PROMPTS = [Prompt(Example(i, f"Q{i}", "r"), "x" * (i + 1)) for i in range(3)]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[vllm_package.LLM]]:
    with opened():
        yield vllm_package.install(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a model directory that has everything but real weights."""
    monkeypatch.setenv("ALPACABENCH_CACHE", str(tmp_path / "cache"))
    folder = build_tokenizer(tmp_path / "model")
    config = {"model_type": "llama", "num_attention_heads": 8, "num_key_value_heads": 4, "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(NO_TENSORS)
    return folder


def adapter(folder: Path, **config: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 24, "peft_type": "LORA"} | config))
    (folder / "adapter_model.safetensors").write_bytes(b"low rank")
    return folder


def ask(model: Vllm, decoding: Decoding, tmp_path: Path, sharding: Sharding | None = None) -> list[Any]:
    sharding = sharding or Sharding()
    assert not list(model.problems()) and not list(model.check_with(decoding, sharding))
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        return model.generate(PROMPTS, decoding, sharding, store)


def test_every_decoding_field_reaches_vllm(engines: type[vllm_package.LLM], folder: Path, tmp_path: Path) -> None:
    values = {"temperature": 0.7, "top_p": 0.9, "top_k": 5, "max_new_tokens": 33, "seed": 4, "n": 2,
              "repetition_penalty": 1.2, "stop": ("END",)}  # fmt: skip
    assert set(values) == Vllm.decoding_fields, "a new decoding field must be tested here, too"
    ask(Vllm(path=str(folder)), Decoding(**values), tmp_path)
    (call,) = engines.made[0].calls
    sent = call.sampling[0]
    assert (sent.temperature, sent.top_p, sent.top_k, sent.max_tokens) == (0.7, 0.9, 5, 33)
    assert (sent.repetition_penalty, sent.stop, sent.stop_token_ids) == (1.2, ["END"], [2, 4])
    assert (sent.n, sent.skip_special_tokens) == (1, True)
    seeds = [sampling.seed for sampling in call.sampling]
    assert len(seeds) == len(set(seeds)) == 2 * len(PROMPTS), "each sample of each prompt has a seed of its own"
    ask(Vllm(path=str(folder)), Decoding(**values | {"seed": 5}), tmp_path)
    assert not set(seeds) & {sampling.seed for sampling in engines.made[0].calls[1].sampling}


def test_no_limit_on_top_k_is_said_as_vllm_says_it(
    engines: type[vllm_package.LLM], folder: Path, tmp_path: Path
) -> None:
    ask(Vllm(path=str(folder)), Decoding(), tmp_path)
    assert engines.made[0].calls[0].sampling[0].top_k == -1
    assert engines.made[0].calls[0].sampling[0].temperature == 0.0


def test_a_prompt_reaches_vllm_as_token_ids_with_one_bos(
    engines: type[vllm_package.LLM], folder: Path, tmp_path: Path
) -> None:
    ask(Vllm(path=str(folder), system_prompt="Be brief."), Decoding(), tmp_path)
    tokenizer = engines.made[0].get_tokenizer()
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "xx"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = engines.made[0].calls[0].prompts[1]["prompt_token_ids"]
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1


def test_outputs_are_read_in_order_with_reason_tokens_time_and_trace(
    engines: type[vllm_package.LLM], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ask(Vllm(path=str(folder)), Decoding(), tmp_path)
    sent = [len(prompt["prompt_token_ids"]) for prompt in engines.made[0].calls[0].prompts]
    assert [a.text for a in answers] == [f"{count} tokens" for count in sent]
    assert [a.prompt_tokens for a in answers] == sent
    assert [a.finish_reason for a in answers] == ["stop", "length", "stop"]
    assert {(a.completion_tokens, a.seconds, a.reasoning) for a in answers} == {(3, 2.5, "hm")}
    for times, seconds in ((vllm_package.RequestMetrics(), 1.5), (None, 0.0)):
        monkeypatch.setattr(engines, "times", times)
        again = ask(Vllm(path=str(folder)), Decoding(max_new_tokens=7 + int(seconds)), tmp_path)
        assert {a.seconds for a in again} == {seconds}


def test_the_engine_is_made_once_with_the_configured_values(
    engines: type[vllm_package.LLM], folder: Path, tmp_path: Path
) -> None:
    model = Vllm(path=str(folder), dtype="float16", quantization="fp8", gpu_memory_utilization=0.5, max_model_len=60)
    parallel = Sharding(mode="tensor_parallel", num_processes=4)
    ask(model, Decoding(), tmp_path, parallel)
    ask(model, Decoding(max_new_tokens=5), tmp_path, parallel)
    (engine,) = engines.made
    assert engine.values == {
        "model": str(folder), "tokenizer": None, "trust_remote_code": False, "tensor_parallel_size": 4,
        "dtype": "float16", "quantization": "fp8", "revision": None, "gpu_memory_utilization": 0.5,
        "max_model_len": 60, "load_format": "safetensors", "enable_lora": False, "max_lora_rank": 16,
        "disable_log_stats": False,
    }  # fmt: skip


def test_an_adapter_reaches_each_request_and_is_part_of_the_identity(
    engines: type[vllm_package.LLM], folder: Path, tmp_path: Path
) -> None:
    lora = adapter(tmp_path / "lora")
    model = Vllm(path=str(folder), lora=str(lora))
    ask(model, Decoding(), tmp_path)
    (engine,) = engines.made
    assert (engine.values["enable_lora"], engine.values["max_lora_rank"]) == (True, 32)
    assert engine.calls[0].lora_request == vllm_package.LoRARequest("adapter", 1, str(lora))
    moved = Vllm(path=str(folder), lora=str(adapter(tmp_path / "elsewhere", base_model_name_or_path="b")))
    assert moved.identity() == model.identity() != Vllm(path=str(folder)).identity()
    assert Vllm(path=str(folder), lora=str(adapter(tmp_path / "other", lora_alpha=64))).identity() != model.identity()


def test_a_directory_without_an_adapter_and_a_gguf_file_are_refused_before_loading(
    engines: type[vllm_package.LLM], folder: Path, tmp_path: Path
) -> None:
    (problem,) = Vllm(path=str(folder), lora=str(folder)).problems()
    assert problem.where == "model.lora" and "adapter_config.json" in problem.what
    (problem,) = Vllm(path=str(folder), lora=str(adapter(tmp_path / "wide", r=600))).problems()
    assert "rank 600" in problem.what
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    (problem,) = Vllm(path=str(tmp_path / "model.gguf"), template="chatml").problems()
    assert (problem.where, problem.remedy) == ("model.path", "use model=hf")
    assert engines.made == []


def test_a_prompt_that_fills_the_context_is_a_failure_of_its_own(
    engines: type[vllm_package.LLM], folder: Path, tmp_path: Path
) -> None:
    model, long = Vllm(path=str(folder)), Prompt(Example(9, "long", "r"), "y" * 80)
    with Store(f"sqlite:///{tmp_path}/store.db") as store:
        answers = model.generate([long, *PROMPTS], Decoding(), Sharding(), store)
    assert "context holds 64" in str(answers[0].failure)
    assert all(a.text for a in answers[1:])
