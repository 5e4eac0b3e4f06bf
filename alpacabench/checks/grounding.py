"""Numbers, names, links and imports in an answer that stand in neither its prompt nor its reference.

A flag, never a verdict: an answer may rightly hold what the reference leaves out. A rate is to be read against another
setting's on the same prompts.
"""

from __future__ import annotations

import re
import sys
from calendar import day_name, month_name
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from alpacabench.checks.base import Check
from alpacabench.checks.code import blocks
from alpacabench.core.records import Example, Finding
from alpacabench.core.spans import WORD, is_name

Kind = Literal["number", "name", "link", "import"]

NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,.\u202f\u00a0']*(?:\d|(?<=\d))%?(?!\w)")
ORDINAL = re.compile(r"^[ \t]*(?:[-*#>][ \t]*){0,8}\d{1,3}[.):]", re.MULTILINE)
LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"'`]+[^\s<>()\[\]\"'`.,;:!?]")
IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)[\w.]*[ \t]+import\b|import[ \t]+([A-Za-z_]\w*))", re.MULTILINE)
SMALL = 12
"""Whole numbers up to this are counted in every text (seven steps, three reasons)."""
CALENDAR = frozenset((*map(str.lower, (*day_name, *month_name)), "english", "i"))


class Grounding(Check):
    """Flags what neither the prompt nor the reference holds."""

    kinds: list[Kind] = ["number", "name", "link", "import"]

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield each ungrounded number, name, link and import once."""
        given = _given(f"{example.instruction}\n{example.reference or ''}")
        for kind in self.kinds:
            seen: set[str] = set()
            for value, start, end in FINDERS[kind](answer):
                if value not in seen and not (value in given.text if kind == "link" else value in given.values[kind]):
                    seen.add(value)
                    yield Finding(kind, f"{kind} in neither prompt nor reference", start, end)


class Given(NamedTuple):
    """What an answer may repeat."""

    text: str
    """In lower case."""
    values: Mapping[str, set[str]]


def _given(text: str) -> Given:
    words = {part for word in WORD.findall(text) for part in (word.lower(), _bare(word))}
    identifiers = set(re.findall(r"[a-z_]\w*", text.lower()))
    numbers = {_plain(found.group()) for found in NUMBER.finditer(text)}
    return Given(text.lower(), {"number": numbers, "name": words | identifiers, "import": words | identifiers})


def _bare(word: str) -> str:
    return word.lower().removesuffix("'s").removesuffix("’s")


Found = Iterator[tuple[str, int, int]]


def _numbers(text: str) -> Found:
    ordinals = [found.span() for found in ORDINAL.finditer(text)]
    for found in NUMBER.finditer(_without_code(text)):
        if any(start <= found.start() < end for start, end in ordinals):
            continue
        value = _plain(found.group())
        if not (value.isdigit() and int(value) <= SMALL):
            yield value, found.start(), found.end()


def _names(text: str) -> Found:
    prose = _without_code(text)
    for found in WORD.finditer(prose):
        word = found.group()
        if len(word) > 2 and word.lower() not in CALENDAR and is_name(prose, found) and not _in_heading(prose, found):
            yield _bare(word), found.start(), found.end()


def _in_heading(text: str, found: re.Match[str]) -> bool:
    """Headings, bold labels and list heads write every word with a capital."""
    start = text.rfind("\n", 0, found.start()) + 1
    line = text[start : (text.find("\n", start) + 1 or len(text) + 1) - 1].strip()
    words = WORD.findall(line)
    titled = sum(word[:1].isupper() for word in words)
    return line.startswith("#") or "**" in line[: max(found.start() - start, 1) + 2] or titled > len(words) / 2


def _links(text: str) -> Found:
    for found in LINK.finditer(text):
        yield found.group().lower().rstrip("/"), found.start(), found.end()


def _imports(text: str) -> Found:
    for block in blocks(text, "python"):
        for found in IMPORT.finditer(block.text):
            module = found[1] or found[2]
            if module not in sys.stdlib_module_names:
                yield module.lower(), block.start + found.start(), block.start + found.end()


def _plain(number: str) -> str:
    """Return a number without separators of thousands, sign and percent, so that 1,000 is 1000 and 2.50 is 2.5."""
    digits = re.sub(r"[\u202f\u00a0']", "", number.strip("+-%"))
    digits = re.sub(r",(?=\d{3}(?:\D|$))", "", digits).replace(",", ".").rstrip(".")
    return digits.rstrip("0").rstrip(".") if digits.count(".") == 1 else digits


def _without_code(text: str) -> str:
    """Return the text with code blanked out, at the same length."""
    return re.sub(r"```.*?(?:```|\Z)|`[^`\n]*`", lambda found: " " * len(found.group()), text, flags=re.DOTALL)


FINDERS = {"number": _numbers, "name": _names, "link": _links, "import": _imports}
