"""Tools in a prompt: by a template that knows them, and in words for one that does not; and calls read from answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alpacabench.core.tool_calls import Called, of_message, of_text
from alpacabench.inference.prompt import Encoder
from alpacabench.inference.spec import ChatFormat
from tests.helpers.tiny import CHATML, build_tokenizer

HERMES = (
    "{% if tools %}<|im_start|>system\n{% if messages[0].role == 'system' %}{{ messages[0].content }}\n{% endif %}"
    "<tools>{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}</tools><|im_end|>\n{% endif %}"
    "{% for m in messages %}{% if m.role == 'tool' %}<|im_start|>tool {{ m.name }}\n{{ m.content }}<|im_end|>\n"
    "{% elif m.role != 'system' or not tools %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }} {{ c.function.arguments | tojson }}</tool_call>"
    "{% endfor %}<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Like Qwen's."""
SINGLY = HERMES.replace(
    "{% for c in", "{% if m.tool_calls | length > 1 %}{{ raise_exception('one call') }}{% endif %}{% for c in"
)
"""Like Llama's: one call at a time; results as JSON."""
TOOL = {
    "type": "function",
    "function": {"name": "add_two", "description": "Adds.", "parameters": {"type": "object", "properties": {}}},
}
CALLS = [
    {"id": f"call0010{n}", "type": "function", "function": {"name": "add_two", "arguments": json.dumps({"a": n})}}
    for n in (1, 2)
]
HISTORY = (
    ("system", "Be brief."), ("user", "Add."), ("assistant", "Let me see.", json.dumps({"tool_calls": CALLS})),
    ("tool", 'the "first"', '{"tool_call_id": "call00101"}'), ("tool", "second", '{"tool_call_id": "call00102"}'),
)  # fmt: skip


def encoder(folder: Path, template: str, raw: bool = False) -> Encoder:
    from transformers import AutoTokenizer

    build_tokenizer(folder, template)
    return Encoder(AutoTokenizer.from_pretrained(folder), ChatFormat(raw=raw), {1}, None)


def test_a_template_that_knows_tools_gets_them_and_objects_as_arguments(tmp_path: Path) -> None:
    text = encoder(tmp_path, HERMES).render(HISTORY, tools=(TOOL,))
    assert json.dumps(TOOL)[:40] in text and "Be brief." in text
    assert '<tool_call>add_two {"a": 1}</tool_call><tool_call>add_two {"a": 2}</tool_call>' in text
    assert 'tool add_two\nthe "first"' in text and "You may call the tools below" not in text


def test_calls_stand_singly_where_the_template_takes_one(tmp_path: Path) -> None:
    text = encoder(
        tmp_path, SINGLY.replace("{{ m.content }}<|im_end|>\n{% elif", "{{ m.content | tojson }}<|im_end|>\n{% elif")
    ).render(HISTORY, tools=(TOOL,))
    first, second = text.index('{"a": 1}'), text.index('{"a": 2}')
    assert first < text.index('the \\"first\\"') < second < text.index('"second"')
    assert text.count("Let me see.") == 1


@pytest.mark.parametrize("raw", [False, True])
def test_a_template_without_tools_gets_them_in_words(tmp_path: Path, raw: bool) -> None:
    text = encoder(tmp_path, CHATML, raw).render(HISTORY, tools=(TOOL,))
    places = [text.index(part) for part in ("Be brief.", "You may call the tools below", '"name": "add_two"', "Add.")]
    assert places == sorted(places)
    written = '<tool_call>\n{"name": "add_two", "arguments": {"a": 1}}\n</tool_call>\n<tool_call>'
    assert written in text
    told = '<tool_response>\nthe "first"\n</tool_response>\n<tool_response>\nsecond\n</tool_response>'
    assert told in text
    # What it is told to write is what is read.
    answer = text[text.index(written) : text.index(told)].split("<|im_end|>")[0]
    assert of_text(answer)[1] == [Called("add_two", '{"a": 1}'), Called("add_two", '{"a": 2}')]


@pytest.mark.parametrize(
    ("text", "said", "calls"),
    [
        ("No call.", "No call.", []),
        ('See. <tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>', "See.", [("f", '{"x": 1}')]),
        ('<tool_call>{"name": "f", "arguments": {}}</tool_call>\n<tool_call>{"name": "g", "arguments": {}}', "",
         [("f", "{}"), ("g", "{}")]),
        ('<tool_call>[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]</tool_call>', "",
         [("f", "{}"), ("g", "{}")]),
        ('{"name": "f", "parameters": {"x": 1}}', "", [("f", '{"x": 1}')]),
        ('<|python_tag|>{"name": "f", "parameters": {}}; {"name": "g", "parameters": {}}', "",
         [("f", "{}"), ("g", "{}")]),
        ('<function=f>{"x": 1}</function>', "", [("f", '{"x": 1}')]),
        ("<tool_call>\n<function=f>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>", "",
         [("f", '{"x": 1}')]),
        ('[TOOL_CALLS] [{"name": "f", "arguments": {"x": 1}}]', "", [("f", '{"x": 1}')]),
        ('[TOOL_CALLS]f[ARGS]{"x": 1}[TOOL_CALLS]g[CALL_ID]a1[ARGS]{}', "", [("f", '{"x": 1}'), ("g", "{}")]),
        ('[{"name": "f", "arguments": "{\\"x\\": 1}"}]', "", [("f", '{"x": 1}')]),
        ('```json\n{"name": "f", "arguments": {}}\n```', "", [("f", "{}")]),
        ("[f(x=1), a.g(s='t')]", "", [("f", '{"x": 1}'), ("a.g", '{"s": "t"}')]),
        # Marked as a call, and none that can be read.
        ('<tool_call>{"name": "f", "arguments": {"x":</tool_call>', "", [("", '{"name": "f", "arguments": {"x":')]),
        # Answers, not calls.
        ('{"name": "Ann", "age": 3}', '{"name": "Ann", "age": 3}', []),
        ('The form is {"name": "f", "arguments": {}}.', 'The form is {"name": "f", "arguments": {}}.', []),
        ("[1, 2, 3]", "[1, 2, 3]", []), ("[f(x)]", "[f(x)]", []), ("[f(1), 2]", "[f(1), 2]", []),
        ("<b>bold</b> [TOOL_CALLS] is a token", "<b>bold</b> [TOOL_CALLS] is a token", []),
    ],
)  # fmt: skip
def test_calls_in_a_text_are_read_in_all_usual_forms(text: str, said: str, calls: list[tuple[str, str]]) -> None:
    assert of_text(text) == (said, [Called(*call) for call in calls])


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ({"content": "x"}, []), ("text", []), ({"tool_calls": None}, []), ({"tool_calls": []}, []),
        ({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}, [("f", "{}", "a")]),
        ({"tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}, [("f", '{"x": 1}', "")]),
        ({"tool_calls": [{"name": "f", "args": {}}]}, [("f", "{}", "")]),
        ({"tool_calls": [{"id": 7, "function": {"name": "f"}}]}, [("f", "{}", "")]),
        ({"function_call": {"name": "f", "arguments": "{"}}, [("f", "{", "")]),
        ({"tool_calls": [None, "x", {"function": {}}]}, [("", "{}", ""), ("", "x", ""), ("", '{"function": {}}', "")]),
    ],
)  # fmt: skip
def test_calls_on_the_wire_are_read_or_are_none(message: object, calls: list[tuple[str, str, str]]) -> None:
    assert of_message(message) == [Called(*call) for call in calls]
