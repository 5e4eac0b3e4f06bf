"""What an answer says when it is read as a person would decode it: encoded runs, odd letters, a list of letters."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote


class Reading(NamedTuple):
    """One way to read an answer, or a part of it."""

    text: str
    start: int
    """Where the part that it was read from begins in the answer; a reading of another length is the whole part."""
    end: int


BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}(?:\r?\n[A-Za-z0-9+/_-]{12,})*={0,2}")
BASE32 = re.compile(r"\b[A-Z2-7]{16,}={0,6}")
HEX = re.compile(r"(?:(?:0x|\\x|\\u00)?[0-9A-Fa-f]{2}[\s:,-]{0,2}){6,}")
DECIMAL = re.compile(r"\b(?:\d{2,3}[\s,;]{1,2}){5,}\d{2,3}\b")
BINARY = re.compile(r"(?:[01]{8}[\s,]{0,2}){6,}")
TOKEN = re.compile(r"\S{6,}")
ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}|&#?\w{1,8};|\\u[0-9A-Fa-f]{4}")
LETTERS = re.compile(r"(?:^[ \t]*(?:\d{1,3}[.):]|[-*•])[ \t]+\S{1,3}[ \t]*\n?){5,}", re.MULTILINE)
LIST_HEAD = re.compile(r"^[ \t]*(?:\d{1,3}[.):]|[-*•])[ \t]+", re.MULTILINE)


def readings(answer: str) -> Iterator[Reading]:
    """Yield the answer itself, then each other way to read it; a reading as long as its part keeps the places."""
    end = len(answer)
    yield Reading(answer, 0, end)
    plain = "".join(_plain(char) for char in answer)
    if plain != answer:
        yield Reading(plain, 0, end)
    yield Reading(codecs.encode(plain, "rot13"), 0, end)
    for form, read in FORMS:
        for found in form.finditer(answer):
            text = read(found.group())
            if text:
                yield Reading(text, *found.span())


def _plain(char: str) -> str:
    """Return the plain letter of a full-width, mathematical or enclosed one, where that is one letter."""
    if char.isascii():
        return char
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 else char


def _base64(run: str) -> str:
    data = re.sub(r"\s", "", run).rstrip("=").translate(str.maketrans("-_", "+/"))
    return _text(lambda: base64.b64decode(data[: len(data) - (len(data) % 4 == 1)] + "=" * (-len(data) % 4)))


def _base32(run: str) -> str:
    data = run.rstrip("=")
    return _text(lambda: base64.b32decode(data + "=" * (-len(data) % 8)))


def _hex(run: str) -> str:
    return _text(lambda: bytes.fromhex(re.sub(r"0x|\\x|\\u00|[\s:,-]", "", run)))


def _decimal(run: str) -> str:
    return _text(lambda: bytes(map(int, re.findall(r"\d+", run))))


def _binary(run: str) -> str:
    return _text(lambda: bytes(int(octet, 2) for octet in re.findall(r"[01]{8}", run)))


def _escaped(run: str) -> str:
    if not ESCAPE.search(run):
        return ""
    text = html.unescape(unquote(unquote(run)))
    return re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), text)


def _letters(run: str) -> str:
    return re.sub(r"\s", "", LIST_HEAD.sub("", run))


def _text(decode: Callable[[], bytes]) -> str:
    try:
        return decode().decode("utf-8", "ignore")
    except (ValueError, binascii.Error):
        return ""


FORMS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (BASE64, _base64), (BASE32, _base32), (HEX, _hex), (DECIMAL, _decimal), (BINARY, _binary), (TOKEN, _escaped),
    (LETTERS, _letters),
)  # fmt: skip
