"""The code in an answer: fenced blocks by language, and the program that tests run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

FENCED = re.compile(
    r"^[ \t]*(`{3,6}|~{3,6})[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
NAMES = {
    "python": {"python", "py", "python3", "py3", "ipython"},
    "shell": {"sh", "bash", "shell", "zsh", "console", "terminal", "powershell", "ps1", "dockerfile"},
    "javascript": {"js", "javascript", "node", "jsx", "ts", "typescript", "tsx", "html", "vue"},
}
LOOKS_LIKE = {
    "python": re.compile(r"^[ \t]*(?:def \w+\(|import \w|from \w[\w.]* import|class \w+[:(]|print\()", re.MULTILINE),
    "shell": re.compile(r"^[ \t]*(?:#!.*sh\b|\$ |sudo |apt(?:-get)? |rm -|curl |wget |chmod |echo )", re.MULTILINE),
    "javascript": re.compile(r"\b(?:const|let|var) \w+ ?=|\bfunction\b|=>|document\.|console\.log|require\("),
}


class Block(NamedTuple):
    """One block of code."""

    text: str
    start: int
    """Where the text begins in the answer, in characters."""


def blocks(answer: str, language: str) -> Iterator[Block]:
    """Yield the fenced blocks of a language; one without a name counts as what it looks like.

    An answer without any fence that looks like code of that language is one block.
    """
    fenced = list(FENCED.finditer(answer))
    for found in fenced:
        name, text = found[2].lower(), found[3]
        if name in NAMES[language] or (not name and LOOKS_LIKE[language].search(text)):
            yield Block(text, found.start(3))
    if not fenced and LOOKS_LIKE[language].search(answer):
        yield Block(answer, 0)
