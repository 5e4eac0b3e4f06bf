"""Why a prompt's winner may have changed, from the two answers alone: hints to read by, not causes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alpacabench.analysis.finished_run import Item

LONGER = 1.5
CLOSE = 0.1
"""A verdict within 0.1 of a draw."""
REFUSAL = re.compile(
    r"\b(i('m| am) (sorry|unable|not able|afraid)|i (can(no|')t|won't|will not|must decline)|as an ai\b|"
    r"i don't have (access|personal|the ability)|i apologi[sz]e)\b",
    re.IGNORECASE,
)
REFUSAL_WITHIN = 200
"""Characters: a refusal comes first."""
CUT_OFF_FROM = 200
FINISHED = re.compile(r"[.!?…。！？)\]}\"'`*|>:;~]\s*$|\n\s*[-*\d][^\n]{0,60}$")
FORMATS = {
    "code": re.compile(r"```"),
    "list": re.compile(r"^\s*([-*•]|\d+[.)])\s", re.MULTILINE),
    "table": re.compile(r"^\s*\|.+\|\s*$", re.MULTILINE),
    "headings": re.compile(r"^#{1,6}\s|^\*\*[^*\n]+\*\*:?\s*$", re.MULTILINE),
}
SCRIPTS = {
    "Cyrillic": re.compile("[\u0400-\u04ff]"),
    "Greek": re.compile("[\u0370-\u03ff]"),
    "Arabic": re.compile("[\u0600-\u06ff]"),
    "Hebrew": re.compile("[\u0590-\u05ff]"),
    "Devanagari": re.compile("[\u0900-\u097f]"),
    "Chinese or Japanese": re.compile("[\u3040-\u30ff\u4e00-\u9fff]"),
    "Korean": re.compile("[\uac00-\ud7af]"),
    "Thai": re.compile("[\u0e00-\u0e7f]"),
}
WORDS = {
    "English": {"the", "and", "of", "to", "is", "that", "with", "for", "you", "this"},
    "German": {"der", "die", "und", "das", "ist", "nicht", "mit", "ein", "eine", "sie"},
    "French": {"le", "les", "et", "des", "est", "une", "pour", "dans", "vous", "que"},
    "Spanish": {"el", "los", "y", "una", "que", "para", "con", "las", "es", "por"},
    "Italian": {"il", "gli", "che", "per", "una", "sono", "con", "della", "non", "di"},
    "Portuguese": {"os", "uma", "que", "para", "com", "não", "dos", "você", "ou", "da"},
}
SPOKEN = {word: [name for name, known in WORDS.items() if word in known] for word in set().union(*WORDS.values())}
"""The languages of each word."""
WORD = re.compile(r"[^\W\d_]+")
MIN_WORDS = 5


def reasons(base: Item, run: Item) -> tuple[str, ...]:
    """Return what differs between the two answers, the most telling first, and whether a verdict was close."""
    return (*_of_answers(base, run), *_of_verdicts(base, run))


def language(text: str) -> str:
    """Return the script or, for Latin script, the likeliest of six languages; empty where there is too little text."""
    if not text.isascii():
        letters = sum(letter.isalpha() for letter in text) or 1
        for name, pattern in SCRIPTS.items():
            if len(pattern.findall(text)) / letters > 0.3:
                return name
    counts = dict.fromkeys(WORDS, 0)
    for word in WORD.findall(text.lower()):
        for name in SPOKEN.get(word, ()):
            counts[name] += 1
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] >= MIN_WORDS else ""


def refuses(text: str) -> bool:
    """Return whether an answer begins like a refusal."""
    return bool(REFUSAL.search(text[:REFUSAL_WITHIN].replace("’", "'")))


def cut_off(item: Item) -> bool:
    """Return whether the answer ended at the token limit, or looks so where that is not recorded."""
    if item.finish_reason is not None:
        return item.finish_reason == "length"
    text = item.output or ""
    return len(text) >= CUT_OFF_FROM and not FINISHED.search(text)


def formats(text: str) -> set[str]:
    """Return which of code, list, table and headings an answer has."""
    return {name for name, pattern in FORMATS.items() if pattern.search(text)}


def _of_answers(base: Item, run: Item) -> Iterator[str]:
    before, after = base.output, run.output
    if before is None or after is None:
        return
    if before == after:
        yield "the answers are equal: only the verdict changed"
        return
    if not before.strip() or not after.strip():
        yield f"empty: {'the base' if not before.strip() else 'the run'}'s answer"
        return
    # What decides a verdict whatever else the answers are comes first; a length often only follows from it.
    yield from _changed("refusal", refuses(before), refuses(after))
    spoken = language(before), language(after)
    if all(spoken) and spoken[0] != spoken[1]:
        yield f"language: {spoken[0]} to {spoken[1]}"
    yield from _changed("cut off", cut_off(base), cut_off(run))
    lost, won = sorted(formats(before) - formats(after)), sorted(formats(after) - formats(before))
    if lost or won:
        yield "format: " + ", ".join([*(f"no {name} any more" for name in lost), *(f"now with {name}" for name in won)])
    ratio = len(after) / len(before)
    if max(ratio, 1 / ratio) >= LONGER:
        yield f"length: {ratio:.1f} times the base's"


def _changed(what: str, before: bool, after: bool) -> Iterator[str]:
    if before != after:
        yield f"{what}: only the {'base' if before else 'run'}"


def _of_verdicts(base: Item, run: Item) -> Iterator[str]:
    if min(abs(base.preference - 1.5), abs(run.preference - 1.5)) < CLOSE:
        yield "close call: a verdict within 0.1 of a draw"
