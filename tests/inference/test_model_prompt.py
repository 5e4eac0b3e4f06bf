"""Chat templates: one BOS, the right stop tokens, explicit choices for base models, reasoning traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpacabench.core.reasoning import part
from alpacabench.inference.prompt import Encoder, PromptError
from alpacabench.inference.spec import ChatFormat, Messages
from alpacabench.inference.weights.template import explicit
from alpacabench.model.hf import HuggingFace
from tests.helpers.chat_families import FAMILIES, Family, build_family
from tests.helpers.tiny import CHATML, build_tokenizer

USER: Messages = (("user", "Hi"),)
WITH_SYSTEM: Messages = (("system", "Be brief."), ("user", "Hi"))

# A template that prints the date, and one that refuses a system prompt, as those of some families do.
LLAMA3 = (
    "{{ bos_token }}{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "{{ 'Today: ' + date_string }}{% for m in messages %}<|im_start|>{{ m.role }}\n\n{{ m.content }}<|im_end|>"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<|im_start|>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>model\n{% endif %}"
)


def encoder(folder: Path, template: str | None, form: ChatFormat | None = None) -> Encoder:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(build_tokenizer(folder, template))
    return Encoder(tokenizer, form or ChatFormat(), {2}, 512)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_each_family_has_its_one_bos_and_its_stop_tokens(tmp_path: Path, family: Family) -> None:
    tokenizer = build_family(tmp_path, family)
    id_of = {token: i for i, token in enumerate(family.special)}
    made = Encoder(tokenizer, ChatFormat(), {id_of[token] for token in family.generation_eos}, 512)
    ids = made.encode(USER).ids
    expected: list[int] = []
    for piece in family.prompt:
        plain = piece not in id_of
        expected += tokenizer(piece, add_special_tokens=False)["input_ids"] if plain else [id_of[piece]]
    assert ids == expected
    # Qwen has no BOS token at all; with the others a plain text gets one, and the rendered prompt must not get two.
    if family.bos is not None:
        bos = id_of[family.bos]
        assert tokenizer("Hi")["input_ids"][0] == ids[0] == bos and ids.count(bos) == 1
    assert made.stop_ids == {id_of[token] for token in family.stops}


@pytest.mark.parametrize("name", ["alpaca", "chatml", "hh", "raw"])
def test_a_template_of_ours_gets_the_one_bos_of_a_plain_text(tmp_path: Path, name: str) -> None:
    template = explicit(name)
    form = ChatFormat(template.text, raw=template.text is None, stop=template.stop)
    made = encoder(tmp_path, None, form)
    ids = made.encode(WITH_SYSTEM).ids
    assert ids[0] == 1 and ids.count(1) == 1
    text = made.render(WITH_SYSTEM)
    assert "Be brief." in text and text.index("Hi") > text.index("Be brief.")


def test_a_template_that_writes_the_bos_itself_does_not_get_a_second(tmp_path: Path) -> None:
    assert encoder(tmp_path, None, ChatFormat(CHATML)).encode(USER).ids.count(1) == 1


def test_the_shipped_templates_name_what_begins_the_next_turn() -> None:
    assert explicit("hh").stop == ("\n\nHuman:",)
    assert explicit("alpaca").stop == ("\n\n### Instruction:",)
    assert explicit("chatml").stop == ("<|im_end|>",)


def test_a_template_that_prints_the_date_prints_the_same_every_day(tmp_path: Path) -> None:
    assert "Today: 26 Jul 2024" in encoder(tmp_path, LLAMA3).render(USER)


def test_a_template_without_system_role_refuses_it_by_name(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="System role not supported.*system prompt"):
        encoder(tmp_path, GEMMA).encode(WITH_SYSTEM)


def test_a_base_model_without_template_names_the_three_choices(tmp_path: Path) -> None:
    build_tokenizer(tmp_path, None)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    problem = next(iter(HuggingFace(path=str(tmp_path)).problems()))
    assert problem.where == "model.template"
    assert "alpaca|chatml|hh or a .jinja file" in problem.remedy
    assert "model.template=raw" in problem.remedy
    assert "a chat model" in problem.remedy
    assert not list(HuggingFace(path=str(tmp_path), template="raw").problems())
    assert not list(HuggingFace(path=str(tmp_path), template="hh").problems())


def test_an_unknown_template_is_refused_with_the_choices(tmp_path: Path) -> None:
    build_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    problem = next(iter(HuggingFace(path=str(tmp_path), template="alpca").problems()))
    assert "given 'alpca'" in problem.what and "alpaca" in problem.remedy


@pytest.mark.parametrize(
    ("text", "opened", "answer", "trace"),
    [
        ("plain </think> text", False, "plain </think> text", None),
        ("<think>a\nb</think>\n\nYes.", False, "Yes.", "a\nb"),
        ("a</think>Yes.", True, "Yes.", "a"),
        ("<think>never closed", False, "", "never closed"),
    ],
)
def test_a_reasoning_trace_is_parted_from_the_answer(text: str, opened: bool, answer: str, trace: str | None) -> None:
    assert part(text, opened) == (answer, trace)
