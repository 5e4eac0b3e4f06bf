"""Chat templates: one BOS, the right stop tokens, explicit choices for base models, reasoning traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpacabench.core.exchange import Messages
from alpacabench.core.reasoning import part
from alpacabench.inference.prompt import Encoder, PromptError
from alpacabench.inference.spec import ChatFormat
from alpacabench.inference.weights.template import explicit
from alpacabench.model.hf import HuggingFace
from tests.helpers.chat_families import FAMILIES, Family, build_family
from tests.helpers.tiny import CHATML, NO_TENSORS, build_tokenizer

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


# Takes no system turn, and drops it without a word; takes content as parts; prints nothing of the messages at all.
DROPS_SYSTEM = "{% for m in messages if m.role != 'system' %}<|im_start|>{{ m.role }} {{ m.content }}{% endfor %}"
PARTS = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}{% if c.type == 'text' %}"
    "{{ c.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
EMPTY = "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}<|im_end|>{% endfor %}"
ASKS = CHATML + "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"


@pytest.mark.parametrize("template", [GEMMA, DROPS_SYSTEM])
def test_a_template_without_system_role_gets_its_text_before_the_users(tmp_path: Path, template: str) -> None:
    made = encoder(tmp_path, template)
    assert made.render(WITH_SYSTEM) == made.render((("user", "Be brief.\n\nHi"),))
    assert made.encode(WITH_SYSTEM) == made.encode((("user", "Be brief.\n\nHi"),))


def test_a_template_that_takes_parts_gets_the_text_as_parts(tmp_path: Path) -> None:
    made, plain = encoder(tmp_path / "parts", PARTS), encoder(tmp_path / "plain", CHATML)
    assert made.render(WITH_SYSTEM) == plain.render(WITH_SYSTEM)
    assert made.stop_ids == plain.stop_ids


def test_a_prompt_that_lacks_the_text_is_refused_and_the_template_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"template leaves out the prompt's text.*model\.template"):
        encoder(tmp_path, EMPTY).encode(USER)
    capitals = CHATML.replace("m.content", "m.content | upper")
    with pytest.raises(PromptError, match="leaves out the prompt's text"):
        encoder(tmp_path / "capitals", capitals).encode(USER)


def test_arguments_reach_the_template(tmp_path: Path) -> None:
    asked = ChatFormat(arguments=(("enable_thinking", False),))
    assert encoder(tmp_path / "a", ASKS, asked).render(USER).endswith("<think>\n\n</think>\n\n")
    assert encoder(tmp_path / "b", ASKS).render(USER).endswith("assistant\n")


def test_a_special_token_as_a_stop_string_ends_an_answer(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(build_tokenizer(tmp_path, None))
    made = Encoder(tokenizer, ChatFormat(raw=True), {2}, 512, ("<|im_end|>", "b<|im_start|>c", "END"))
    assert made.stop_ids == {2, 4} and made.stops == ("END",)
    ids = tokenizer("aab<|im_start|>cd", add_special_tokens=False)["input_ids"]
    assert made.stopped(ids) and made.answer(ids) == ("aa", True)
    assert not made.stopped(ids[:4]) and made.answer(ids[:4]) == ("aab", False)


def test_a_token_that_the_model_does_not_know_is_named(tmp_path: Path) -> None:
    made = encoder(tmp_path, CHATML)
    made.words = 4
    with pytest.raises(PromptError, match=r"number \d+, and the model knows 4"):
        made.encode(USER)


def test_a_base_model_without_template_names_the_three_choices(tmp_path: Path) -> None:
    build_tokenizer(tmp_path, None)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(NO_TENSORS)
    problem = next(iter(HuggingFace(path=str(tmp_path)).problems()))
    assert problem.where == "model.template"
    assert "alpaca|chatml|hh or a .jinja file" in problem.remedy
    assert "model.template=raw" in problem.remedy
    assert "a chat model" in problem.remedy
    assert not list(HuggingFace(path=str(tmp_path), template="raw").problems())
    assert not list(HuggingFace(path=str(tmp_path), template="hh").problems())


def test_an_unknown_template_is_refused_with_the_choices(tmp_path: Path) -> None:
    build_tokenizer(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(NO_TENSORS)
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


@pytest.mark.parametrize("begun", ["<think>\n", "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"])
def test_a_question_with_options_comes_behind_the_trace_of_a_model_that_thinks(tmp_path: Path, begun: str) -> None:
    """The letters would else be weighed where the trace begins."""
    made = encoder(tmp_path, CHATML + begun)
    assert made.render(USER, thinking=False).endswith("assistant\n<think>\n\n</think>\n\n")
    assert not made.encode(USER, thinking=False).opened
