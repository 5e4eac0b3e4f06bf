"""Why a prompt may have flipped: length, refusal, truncation, language, format, or a close call."""

from __future__ import annotations

import pytest

from alpacabench.analysis.compare.reasons import cut_off, language, reasons, refuses
from alpacabench.analysis.finished_run import Item

PLAIN = "The answer to the question is that the sky is blue because of the light."
GERMAN = "Die Antwort ist, dass der Himmel blau ist und das Licht nicht mit der Luft geht."


def item(output: str | None, preference: float = 1.0, **more: object) -> Item:
    return Item(index=0, instruction="x", preference=preference, output=output, **more)  # type: ignore[arg-type]


def of(before: str | None, after: str | None) -> tuple[str, ...]:
    return reasons(item(before, 1.0), item(after, 2.0))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (PLAIN, PLAIN + " Indeed.", ()),
        (PLAIN, PLAIN * 3, ("length: 3.0 times the base's",)),
        (PLAIN, PLAIN, ("the answers are equal: only the verdict changed",)),
        (PLAIN, " ", ("empty: the run's answer",)),
        ("", PLAIN, ("empty: the base's answer",)),
        (PLAIN, "I’m sorry, but I cannot say to you why the sky is blue, and that is all.", ("refusal: only the run",)),
        (PLAIN, GERMAN, ("language: English to German",)),
        (
            PLAIN,
            "Ответ на этот вопрос: небо голубое, потому что свет рассеивается в нём.",
            ("language: English to Cyrillic",),
        ),
        (PLAIN, "- " + PLAIN, ("format: now with list",)),
        ("| a |\n| b |\n" + PLAIN, "# Sky\n" + PLAIN, ("format: no table any more, now with headings",)),
        (None, PLAIN, ()),
    ],
)
def test_a_difference_between_two_answers_is_named(
    before: str | None, after: str | None, expected: tuple[str, ...]
) -> None:
    assert of(before, after) == expected


def test_truncation_is_read_from_the_finish_reason_and_guessed_only_where_there_is_none() -> None:
    long = "word " * 60
    assert cut_off(item(long + "and then")) and not cut_off(item(long + "end."))
    assert not cut_off(item(long + "and then", finish_reason="stop"))
    assert cut_off(item("Done.", finish_reason="length"))
    assert reasons(item(long + "end.", 1.0), item(long + "and", 2.0)) == ("cut off: only the run",)
    assert not cut_off(item("No full stop"))


def test_a_verdict_near_a_draw_is_called_close() -> None:
    found = reasons(item(PLAIN, 1.45), item(PLAIN + " So.", 1.9))
    assert found == ("close call: a verdict within 0.1 of a draw",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (PLAIN, "English"),
        (GERMAN, "German"),
        ("Le ciel est bleu et les nuages sont gris pour une raison que vous connaissez.", "French"),
        ("空が青いのは光が散らばるからです。", "Chinese or Japanese"),
        ("하늘은 파랗습니다", "Korean"),
        ("OK", ""),
    ],
)
def test_the_language_of_an_answer_is_guessed_where_there_is_enough_text(text: str, name: str) -> None:
    assert language(text) == name


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("As an AI language model, I have no body.", True),
        ("Sorry is the hardest word, sang Elton John.", False),
        ("Here is the list. " * 20 + "I cannot think of more.", False),
    ],
)
def test_a_refusal_is_seen_by_how_an_answer_begins(text: str, refused: bool) -> None:
    assert refuses(text) is refused
