"""Rows that hold a dialogue: `messages` that end with a user's turn, or `turns` that are answered one after the other.

In a file that has no lists, such as CSV, each stands as JSON text in its cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alpacabench.core.errors import DataError
from alpacabench.core.exchange import Messages
from alpacabench.core.records import dialogue_text
from alpacabench.io.json_text import loads
from alpacabench.io.rows import Row, shorten

ROLES = ("system", "user", "assistant")
GAPS: tuple[Any, ...] = (None, "", [], {})


def read_dialogue(row: Row, where: str) -> Row:
    """Return a row with its dialogue read: `messages` what stands before the first of `turns`, `instruction` the whole.

    An ordinary row is returned as it is.

    Raises:
        DataError: the dialogue is none; the message starts with `where`, which names file and row.

    """
    given = [name for name in ("messages", "turns") if row.get(name) not in GAPS]
    if not given:
        return row
    if len(given) == 2:
        raise DataError(
            f"{where}: both 'messages' and 'turns'\n    give 'messages' where the earlier answers are known, "
            "'turns' where the model answers each of the user's turns itself"
        )
    if given == ["messages"]:
        messages, turns = _messages(row["messages"], where)
    else:
        messages, turns = (), _turns(row["turns"], where)
    text, named = dialogue_text(messages, turns), row.get("instruction")
    if named not in (None, "", text, turns[0], turns[-1]):
        raise DataError(
            f"{where}: 'instruction' is none of the user's turns, and no model would be shown it: "
            f"{shorten(str(named))}\n    leave it out: '{given[0]}' holds the whole prompt"
        )
    return row | {"instruction": text, "messages": messages, "turns": turns}


def turns_of(row: Row) -> tuple[str, ...]:
    """Return the turns of a row whose dialogue was read; none for an ordinary row."""
    turns = row.get("turns")
    return turns if isinstance(turns, tuple) else ()


def answers(row: Row, turns: int, where: str) -> tuple[str | None, ...]:
    """Return a row's answers to a dialogue, one a turn: `outputs`, or `output` where there is one turn.

    All are None where the row has none.

    Raises:
        DataError: another number of answers, or one that is no text; the message starts with `where`.

    """
    given = _list(row.get("outputs"), "outputs", where) if row.get("outputs") not in GAPS else None
    if given is None:
        if turns > 1 and row.get("output") is not None:
            raise DataError(
                f"{where}: one 'output', but the dialogue has {turns} turns\n    give 'outputs', a list with one a turn"
            )
        given = [row.get("output")] if turns == 1 else [None] * turns
    if len(given) != turns:
        raise DataError(
            f"{where}: 'outputs' has {len(given)} answers, but the dialogue has {turns} turns\n    give one a turn"
        )
    for turn, text in enumerate(given, start=1):
        if text is not None and not isinstance(text, str):
            raise DataError(f"{where}: 'outputs', turn {turn}, is {text!r}; a text or null is needed")
    return tuple(given)


def names(instruction: str, turns: Sequence[str]) -> tuple[str, ...]:
    """Return by what a dialogue may be named in a file of outputs: its whole text, its first or its last turn."""
    return tuple(dict.fromkeys((instruction, *turns[:1], *turns[-1:])))


def by_prompt(prompts: Iterable[tuple[str, Sequence[str]]], rows: Mapping[str, Row], where: str) -> dict[str, Row]:
    """Return the row of each prompt that has one.

    Args:
        prompts: of each its instruction and, where it is a dialogue, its turns.
        rows: by the instruction that each names.
        where: starts the messages.

    Raises:
        DataError: a row names a turn that several dialogues have.

    """
    found: dict[str, Row] = {}
    taken: dict[str, str] = {}
    for instruction, turns in prompts:
        name = next((name for name in names(instruction, turns) if name in rows), None)
        if name is None:
            continue
        if name in taken:
            raise DataError(
                f"{where}: the row with the instruction {shorten(name)} belongs to several dialogues\n"
                "    give each row the 'turns' or 'messages' of its dialogue, too"
            )
        taken[name], found[instruction] = instruction, rows[name]
    return found


def _messages(given: Any, where: str) -> tuple[Messages, tuple[str, ...]]:
    """Return what stands before the last message, and that as the only turn."""
    found: list[tuple[str, str]] = []
    for place, message in enumerate(_list(given, "messages", where), start=1):
        at = f"{where}: 'messages', message {place}"
        if not isinstance(message, Mapping):
            raise DataError(f'{at}, is {shorten(str(message))}\n    give {{"role": "user", "content": "..."}}')
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            raise DataError(f"{at}: the role is {role!r}\n    allowed: {', '.join(ROLES)}")
        if role == "system" and place > 1:
            raise DataError(f"{at}: a system message may only stand first")
        if not isinstance(content, str) or not content.strip():
            raise DataError(f"{at}: the content is {shorten(str(content))}\n    a non-empty text is needed")
        found.append((role, content))
    if not found or found[-1][0] != "user":
        last = f"ends with the role '{found[-1][0]}'" if found else "is empty"
        raise DataError(
            f"{where}: 'messages' {last}\n    it ends with the user's turn that is to be answered; "
            "the reference answer stands in 'output'"
        )
    return tuple(found[:-1]), (found[-1][1],)


def _turns(given: Any, where: str) -> tuple[str, ...]:
    turns = _list(given, "turns", where)
    for place, turn in enumerate(turns, start=1):
        if not isinstance(turn, str) or not turn.strip():
            raise DataError(
                f"{where}: 'turns', turn {place}, is {shorten(str(turn))}\n    each of the user's turns is a "
                "non-empty text; the reference's answers stand in 'outputs'"
            )
    return tuple(turns)


def _list(given: Any, name: str, where: str) -> list[Any]:
    try:
        found = loads(given) if isinstance(given, str) else given
    except ValueError:
        found = given
    if not isinstance(found, list | tuple):
        raise DataError(f"{where}: '{name}' is {shorten(str(given))}\n    a list is needed; in a table's cell as JSON")
    return list(found)
