"""A conversation as people read it: who said what, each call with what came of it."""

from __future__ import annotations

from alpacabench.core.conversation import Conversation, is_conversation, of_steps, of_turns
from alpacabench.core.exchange import Step, ToolResult

CALL = {"id": "1", "name": "add", "arguments": '{"a": 1}'}
RESULT = ToolResult(id="1", name="add", arguments='{"a": 1}', text="no answer", status="failed", injected="timeout")
STEPS = (
    Step((("user", "One and one?"),), "", tool_calls=(CALL,), results=(RESULT,)),
    Step((("tool", "no answer", '{"tool_call_id": "1"}'),), "It is 2."),
)


def said(whole: Conversation) -> list[tuple[str, str]]:
    ends = [start for start, _ in whole.parts[1:]] + [len(whole.text)]
    return [(role, whole.text[at:end].strip()) for (at, role), end in zip(whole.parts, ends, strict=True)]


def test_a_call_stands_with_its_result_once() -> None:
    whole = of_steps(STEPS)
    assert said(whole) == [
        ("user", "User: One and one?"), ("call", 'Call: add {"a": 1}'),
        ("tool failed", "Tool failed: (injected failure: timeout) no answer"), ("assistant", "Assistant: It is 2."),
    ]  # fmt: skip
    assert whole.text[slice(*whole.answer)] == "It is 2."


def test_an_answer_that_still_calls_may_be_masked() -> None:
    last = Step((), "Mail a@b.org", results=(ToolResult("2", "mail", "{}", status="not_run"),))
    whole = of_steps((*STEPS, last)).answering("Mail [privacy: email]")
    assert said(whole)[-3:] == [
        ("assistant", "Assistant: Mail [privacy: email]"), ("call", "Call: mail {}"), ("tool", "Tool: (not run)"),
    ]  # fmt: skip


def test_calls_without_a_word_leave_nothing_to_mask() -> None:
    whole = of_steps((Step((("user", "Do."),), "", results=(RESULT,)),))
    assert whole.answering("") == whole and [role for role, _ in said(whole)] == ["user", "call", "tool failed"]


def test_one_call_is_a_conversation_and_one_answer_is_none() -> None:
    assert is_conversation(STEPS[:1]) and not is_conversation(STEPS[1:])


def test_turns_stand_with_their_answers() -> None:
    whole = of_turns(("a", "b"), ("c", "d"))
    assert said(whole) == [("user", "User: a"), ("assistant", "Assistant: c"), ("user", "User: b"),
                           ("assistant", "Assistant: d")]  # fmt: skip
    assert whole.text[slice(*whole.answer)] == "d"
