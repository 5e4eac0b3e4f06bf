"""`explorer.html`: every prompt with all its answers, to search, filter, sort and compare; one file without a network.

The rows travel compressed in a block that no browser runs, and the page's own scripts show each text as text. The
content security policy names those scripts by their digest: no other one can run, whatever an answer holds.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from markupsafe import Markup

from alpacabench.analysis.explorer.content import Answered, Explorer, Flag, Row
from alpacabench.core.printable import printable
from alpacabench.io.json_text import dumps
from alpacabench.report.page import render
from alpacabench.security.redact import redact, redact_answers

PAGE = "explorer.html"
EVERY_ANSWER = "Every prompt and answer"
"""What the link to the page says."""
SCRIPTS = ("vendor/diff-9.0.0.min.js", "explorer/rows.js", "explorer/text.js", "explorer/list.js", "explorer/page.js")
LONGEST, ALL_TEXTS = 20_000, 150_000_000
"""Characters of one text, and of all texts of a page, beyond which texts are cut."""
PLACE = "ROWS-STAND-HERE"
HEAD_LINES = 12
"""In which it stands whose explorer a page is."""
ADDRESS = re.compile(r"https?://|[\w.-]+$")
"""What a link may be: an address of the web, or a file beside the page."""
CHUNK = 3 << 18
"""Bytes that are written at a time; base64 takes three at once."""


def beside(page: Path) -> Path:
    """Return where a page's explorer goes: `explorer.html` beside it, unless that is another page's."""
    path = page.with_name(PAGE)
    if not path.is_file():
        return path
    with path.open(encoding="utf-8", errors="replace") as file:
        of_this = any(_of(page.name) in line for line in islice(file, HEAD_LINES))
    return path if of_this else page.with_name(f"{page.stem}-{PAGE}")


def _of(name: str) -> str:
    return str(Markup('<meta name="explorer-of" content="{}">').format(name))


def write_explorer(page: Path | str, explorer: Explorer) -> Path:
    """Write the explorer of a page beside it and return its path.

    Texts are redacted and made printable like those of every page.
    """
    page = Path(page)
    path, explorer = beside(page), replace(explorer, links={"Report": page.name, **explorer.links})
    scripts = [_script(name) for name in SCRIPTS]
    digests = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {digests}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'"
    )
    style = Markup("\n").join(_text(name) for name in ("templates/style.css", "explorer/style.css"))
    title = printable(redact(explorer.title))
    page = render("explorer.html", title=title, policy=policy, style=style, scripts=scripts, place=PLACE, of=page.name)
    before, _, after = page.partition(PLACE)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(before)
        file.writelines(_packed(_lines(explorer)))
        file.write(after)
    partial.replace(path)
    return path


def _packed(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines compressed, as base64."""
    packer, waiting = zlib.compressobj(4, wbits=31), b""
    for line in lines:
        waiting += packer.compress(line.encode())
        while len(waiting) >= CHUNK:
            yield base64.b64encode(waiting[:CHUNK]).decode()
            waiting = waiting[CHUNK:]
    yield base64.b64encode(waiting + packer.flush()).decode()


def _lines(explorer: Explorer) -> Iterator[str]:
    """Yield what is known of the page, and then one line for each prompt."""
    limit = _limit(explorer)
    head = {
        "title": explorer.title,
        "settings": list(explorer.settings),
        "reference": explorer.reference,
        "judge": explorer.judge,
        "base": explorer.base,
        "checks": list(explorer.checks),
        "links": {word: address for word, address in explorer.links.items() if ADDRESS.match(address)},
        "limit": limit,
    }
    yield _line(head)
    for row in explorer.rows:
        yield _line(_row(row, limit))


def _line(value: Any) -> str:
    return redact_answers(dumps(value)) + "\n"


def _limit(explorer: Explorer) -> int:
    """Return how many characters of a text are shown: fewer where all of them would be too much for a browser."""
    sizes = [len(text) for row in explorer.rows for text in _texts(row)]
    limit = LONGEST
    while limit > 500 and sum(min(size, limit) for size in sizes) > ALL_TEXTS:
        limit //= 2
    return limit


def _texts(row: Row) -> Iterator[str]:
    yield from (row.instruction, row.reference or "")
    for answer in row.answers:
        yield from answer.texts if answer else ()


def _row(row: Row, limit: int) -> list[Any]:
    texts = (_cut(row.instruction, limit), None if row.reference is None else _cut(row.reference, limit))
    answers = [a and _answer(a, limit) for a in row.answers]
    parts = _parts(row.reference or "", row.reference_parts)
    return [row.index, *texts, row.source, row.category, answers, parts]


def _parts(text: str, parts: Sequence[tuple[int, str]]) -> list[list[Any]]:
    """Return where the messages of a conversation begin, as a browser counts, and whose they are."""
    return [[_units(text[:start]), role] for start, role in parts]


def _units(text: str) -> int:
    return len(printable(text).encode("utf-16-le")) // 2


def _answer(answer: Answered, limit: int) -> list[Any]:
    return [
        _short(answer.score),
        [_cut(text, limit) for text in answer.texts],
        _short(answer.length),
        answer.finish_reason,
        printable(answer.failure),
        [[None if first is None else int(first), _short(score)] for first, score in answer.verdicts],
        [_flag(flag, answer.texts) for flag in answer.flags],
        None if answer.shown is None else _cut(answer.shown, limit),
        [_parts(text, parts) for text, parts in zip(answer.texts, answer.parts, strict=False)],
    ]


def _flag(flag: Flag, texts: tuple[str, ...]) -> list[Any]:
    """Return a finding with its span as a browser counts, in units of UTF-16 of the text that it shows."""
    span: list[int | None] = [None, None]
    if flag.start is not None and flag.end is not None and flag.sample < len(texts):
        span = [_units(texts[flag.sample][:end]) for end in (flag.start, flag.end)]
    return [flag.check, flag.rule, printable(flag.message), flag.sample, *span]


def _cut(text: str, limit: int) -> str:
    more = len(text) - limit
    return printable(text if more <= 0 else f"{text[:limit]}\n[… {more:,} more characters]")


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


@cache
def _text(name: str) -> Markup:
    return Markup((files("alpacabench.report") / name).read_text(encoding="utf-8"))


def _script(name: str) -> Markup:
    return Markup("\n{}\n").format(_text(name))


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
