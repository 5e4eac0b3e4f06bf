"""Which form an answer has: a list, a table, code, YAML, or plain text; Markdown and HTML are read."""

from __future__ import annotations

import re
from collections.abc import Callable

from alpacabench.checks.code import FENCED

FENCE = re.compile(r"\A\s*(`{3,6}|~{3,6})[\w-]*[ \t]*\n(.*?)\n?[ \t]*\1\s*\Z", re.DOTALL)
"""The one fence that is a whole answer."""
_NUMBER = r"\(?\d{1,3}\\?[.):．](?:\*\*|__)?[ \t]|\d{1,3}、|[①-⑳][ \t]?|[一二三四五六七八九十]{1,3}、"
NUMBERED = re.compile(rf"([ \t]*)(?:>[ \t]*)?(?:\*\*|__)?(?:{_NUMBER})[ \t]*\S")
ITEM = re.compile(
    rf"([ \t]*)(?:>[ \t]*)?(?:\*\*|__)?"
    rf"(?:[-*+•‣–◦▪●][ \t]|{_NUMBER}|\(?(?:[a-zA-Z]\)|[ivxIVX]{{1,5}}[.)])[ \t])[ \t]*\S"
)
TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-{1,}:?[ \t]*(?:\|[ \t]*:?-{1,}:?[ \t]*)*\|?[ \t]*")
HTML_ITEM, HTML_NUMBERED = re.compile(r"<li\b", re.I), re.compile(r"<ol\b", re.I)
HTML_ROW = re.compile(r"<tr\b(?:(?!</?tr\b).)*?<td\b", re.I | re.DOTALL)
MARKUP = re.compile(
    r"^#{1,6}[ \t]+\S|^>[ \t]*\S|^\S[^\n]*\n(?:={3,}|-{3,})[ \t]*$|\*\*\S[^*\n]*\*\*|(?<!\w)__\S[^_\n]*__(?!\w)|"
    r"(?<![\w*])\*[^\s*](?:[^*\n]{0,200}[^\s*])?\*(?![\w*])|`[^`\n]+`|\[[^\]\n]+\]\([^)\s]+\)|"
    r"</?(?:b|i|u|strong|em|ul|ol|li|p|br|h[1-6]|table|tr|t[dh]|code|pre|a|div|span)\b[^>\n]{0,200}>",
    re.MULTILINE,
)


def list_items(answer: str) -> int:
    """Return the items of the outermost list; what is indented below an item is part of it."""
    return _items(answer, ITEM) or len(HTML_ITEM.findall(answer))


def numbered_items(answer: str) -> int:
    """Return the items of the outermost numbered list."""
    in_html = len(HTML_ITEM.findall(answer)) if HTML_NUMBERED.search(answer) else 0
    return _items(answer, NUMBERED) or in_html


def _items(answer: str, form: re.Pattern[str]) -> int:
    indents = [len(found[1].expandtabs(4)) for line in _outside_code(answer) if (found := form.match(line))]
    return sum(indent < min(indents) + 2 for indent in indents)


def table_rows(answer: str) -> int:
    """Return the rows of tables without their heads; in Markdown a table has a rule below its head."""
    lines, rows = _outside_code(answer), 0
    for at, line in enumerate(lines[1:], start=1):
        if "|" in lines[at - 1] and "-" in line and TABLE_RULE.fullmatch(line):
            below = at + 1
            while below < len(lines) and "|" in lines[below]:
                below, rows = below + 1, rows + 1
    return rows or len(HTML_ROW.findall(answer))


def code_blocks(answer: str) -> int:
    """Return the fenced blocks; the last may lack its end."""
    return sum(1 for _ in FENCED.finditer(answer))


def yaml_entries(answer: str) -> int:
    """Return the entries of an answer that is one YAML mapping or sequence, with or without a fence."""
    import yaml

    fenced = FENCE.match(answer)
    try:
        value = yaml.safe_load(fenced[2] if fenced else answer)
    except (yaml.YAMLError, RecursionError, ValueError):
        return 0
    return len(value) if isinstance(value, dict | list) else 0


def markup(answer: str) -> bool:
    """Return whether there is anything but plain text."""
    return bool(MARKUP.search(answer) or code_blocks(answer) or list_items(answer) or table_rows(answer))


def _outside_code(answer: str) -> list[str]:
    return FENCED.sub("", answer).splitlines()


FORMS: dict[str | None, Callable[[str], int]] = {
    "list": list_items, "numbered_list": numbered_items, "table": table_rows, "code": code_blocks, "yaml": yaml_entries,
}  # fmt: skip
"""How many items, rows or blocks of each form an answer has."""
