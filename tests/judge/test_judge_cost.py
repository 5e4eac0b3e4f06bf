"""Plan and price: requests exactly, tokens closely, dollars from a dated file, unknown as unknown."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from alpacabench.core.conf import conf
from alpacabench.cost.price import price_of
from alpacabench.cost.tokens import estimate_tokens
from alpacabench.store.store import Store
from tests.helpers.fakes.openai_server import chat_server, made_up, read
from tests.helpers.judge_data import load_judge, made_up_pairs, real_pairs

SMOLLM2 = Path.home() / ".cache" / "alpacabench" / "models" / "SmolLM2-135M-Instruct" / "tokenizer.json"


@pytest.fixture(scope="module")
def smollm2() -> object:
    tokenizers = pytest.importorskip("tokenizers")
    if not SMOLLM2.exists():
        pytest.skip("SmolLM2's tokenizer is absent: run `make setup`")
    tokenizer = tokenizers.Tokenizer.from_file(str(SMOLLM2))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize("model", ["alpaca-7b", "claude-2.1", "FuseChat-Llama-3.1-8B-Instruct", "NullModel"])
def test_judging_recorded_answers_takes_the_requests_and_tokens_that_were_predicted(
    alpaca_data: Path, tmp_path: Path, smollm2: object, model: str
) -> None:
    pairs = real_pairs(alpaca_data, model)[:150]
    with chat_server(made_up, tokens=smollm2) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}")
        expected = [judge.expected(question) for question in judge.missing(pairs, store)]
        verdicts = judge.judge(pairs, store)
        assert judge.missing(pairs, store) == []
    assert len(server.requests) == len(expected)
    assert sum(e.prompt[0] for e in expected) == pytest.approx(sum(v.prompt_tokens for v in verdicts), rel=0.1)
    assert all(e.exact for e in expected)
    paid = sum(v.cost_usd for v in verdicts)
    assert sum(e.dollars[1] for e in expected) == pytest.approx(paid, rel=0.1)


def test_whole_answers_are_estimated_within_a_tenth_of_smollm2s_count(alpaca_data: Path, smollm2: object) -> None:
    for path in sorted(alpaca_data.glob("*.outputs.json.gz")):
        if not path.name.startswith("NullModel"):
            texts = [row["output"] for row in read(path)[::10] if row["output"]]
            assert sum(map(estimate_tokens, texts)) == pytest.approx(sum(map(smollm2, texts)), rel=0.1), path.name


def test_an_answer_yet_to_be_written_makes_a_range() -> None:
    judge = load_judge("gpt_4_1", "judge.base_url=http://127.0.0.1:9/v1")
    (question,) = judge.questions(made_up_pairs(1))
    expected = judge.expected(question, unwritten=512)
    assert expected.prompt[1] - expected.prompt[0] == 512
    assert not expected.exact
    assert expected.dollars[0] < expected.dollars[1]


def test_an_unknown_price_is_unknown_and_not_zero(tmp_path: Path) -> None:
    with chat_server(made_up) as server, Store(f"sqlite:///{tmp_path}/store.db") as store:
        judge = load_judge("gpt_4_1", f"judge.base_url={server.url}", "judge.model_name=my-own-model")
        (question,) = judge.questions(made_up_pairs(1))
        (verdict,) = judge.judge(made_up_pairs(1), store)
    assert judge.expected(question).dollars is None
    assert verdict.cost_usd is None


def test_the_price_of_a_snapshot_is_its_models_and_cached_and_batched_tokens_are_cheaper() -> None:
    price = price_of("gpt-4.1-2025-04-14")
    assert price == price_of("gpt-4.1")
    assert price != price_of("gpt-4.1-mini")
    assert price.cost(1_000_000, 0) == 2.0
    assert price.cost(1_000_000, 0, cached=1_000_000) == 0.5
    assert price.cost(1_000_000, 1_000_000, batch=True) == 5.0
    assert price_of("gpt-4.1-something-else") is None


@pytest.mark.parametrize("path", sorted((conf() / "prices").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_price_file_is_dated_and_complete(path: Path) -> None:
    file = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(file["as_of"], date)
    assert file["source"]
    for price in file["models"].values():
        assert 0 < price["input"] <= price["output"]
        assert price.get("cached", 0) <= price["input"]
    for entry in (file.get("retired") or {}).values():
        assert isinstance(entry["since"], date)
        assert entry["instead"]
