"""Phone numbers in a text: written as one, and possible in a country's plan (phonenumbers)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

PHONE = re.compile(
    r"(?<![\w.,+/-])(?<!\w\()(?!\d{4}-\d{2}-\d{2}(?!\d)|\d{1,2}/\d{1,2}/\d{4}(?!\d))"
    r"(?:\+|\()?\d(?:[ ./()-]{0,3}\d){6,14}(?![\w]|[.,/:-]\d)",
    re.ASCII,
)
WORD = (
    r"phone|\btel\b|tel[.:]|t[eé]l[eéè]f|\bcalls?\b|mobile?|m[oó]vil|celular|cell|\bgsm\b|fax|whatsapp|handy|\bring\b|"
    r"text me|rufnummer|portable|numer|puhelin|тел|моб|电话|手机|電話|携帯|전화|휴대|هاتف|फ़?ोन|τηλ"
)
SAYS_PHONE = re.compile(WORD, re.IGNORECASE)
LABEL = re.compile(
    rf"(?:{WORD})\w{{0,12}}(?:[ -]?(?:number|no\.?|nr\.?|me|us|him|her))?"
    r"(?: (?:is|at|on|ist|es|est))?[ :：=()]{0,4}$",
    re.I,
)
OTHER_NUMBER = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}|\d{3}-\d{2}-\d{4}|\d{4} ?- ?\d{4}|\d{5}-\d{4}|"
    r"\d+[./]\d+(?:\(\d+)?|\d{1,3}(?:[ .]\d{3})+|\d{1,3}(?:\.\d{1,3}){3}"
)
"""Dotted quads, dates, US Social Security numbers, ranges of years, ZIP+4, fractions and decimals, thousands."""
DECIMALS = re.compile(r"\d\.\d+ |\ \d+\.\d")
NORTH_AMERICAN = re.compile(r"(?:\+?1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])\d{3}[ .-]\d{4}")
"""Its three groups are like no other number's; 555, which fiction uses, counts."""
OTHER_LABEL = re.compile(r"\b(?:isbn|issn|ean|gtin|doi|no|nr|order|invoice|id)[-\w]{0,3}[.:#]? *$")
GROUPED = re.compile(r"\d[ ./()-]+\d")
MIN_LOCAL_DIGITS = 9
BEFORE = 40


def phones(text: str, regions: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the span of each phone number.

    Args:
        text: with plain spaces and dashes.
        regions: countries (ISO 3166, two letters) whose numbers are found without their country code.

    """
    for found in PHONE.finditer(text):
        raw, before = found.group(), text[max(0, found.start() - BEFORE) : found.start()].lower()
        labelled = bool(LABEL.search(before))
        if 7 <= sum(map(str.isdigit, raw)) <= 15 and _written_as_phone(raw, before, labelled):
            abroad = raw.startswith(("+", "00"))
            plans = [None] if abroad else regions
            if NORTH_AMERICAN.fullmatch(raw) or any(_in_plan(raw, plan, abroad or labelled) for plan in plans):
                yield found.span()


def _in_plan(text: str, region: str | None, possible: bool) -> bool:
    """Return whether a country's plan has the number, or one of its length; `00` is read as +."""
    import phonenumbers

    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", text), region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_possible_number(number) if possible else phonenumbers.is_valid_number(number))


def _written_as_phone(raw: str, before: str, labelled: bool) -> bool:
    """Return whether it is written as one; a bare run of digits only where a word before it says so."""
    if OTHER_LABEL.search(before):
        return False
    if raw.startswith(("+", "00")) or labelled:
        return True
    groups = re.findall(r"\d+", raw)
    if OTHER_NUMBER.fullmatch(raw.lstrip("(")) or DECIMALS.search(raw):
        return False
    if max(map(len, groups)) < 3 and not (raw.startswith("0") and min(map(len, groups)) == 2):
        return False
    # Without a country code and a word before it: long enough, and grouped.
    return bool(SAYS_PHONE.search(before)) or (len("".join(groups)) >= MIN_LOCAL_DIGITS and bool(GROUPED.search(raw)))
