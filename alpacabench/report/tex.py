"""Tables for LaTeX, with booktabs."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from alpacabench.report.page_items import Item

SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "`": r"\textasciigrave{}",
    "\N{MINUS SIGN}": "$-$", "\N{EN DASH}": "--", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{MIDDLE DOT}": r"$\cdot$", "\N{GREEK CAPITAL LETTER DELTA}": r"$\Delta$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$", "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
}  # fmt: skip
"""What LaTeX reads as a command, or cannot set in every font."""
SET_BY_ALL = "‘’“”—†‡§¶©®°ßæÆøØåÅœŒłŁ"
"""Letters beyond ASCII that pdfLaTeX sets with the fonts that it has without a package, beside accented ones."""
ACCENTS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327"
FIGURES = re.compile(r"[+\N{MINUS SIGN}<≤-]? ?\$?[\d,.]+%?( \(.*\))?|–|")


def escape(text: str) -> str:
    """Return a text as LaTeX shows it; what pdfLaTeX has no letters for stands there as its code points."""
    words = " ".join(text.split())
    return "".join(
        _for_other_engines("".join(letters)) if foreign else "".join(SPECIAL.get(one, one) for one in letters)
        for foreign, letters in groupby(words, _is_foreign)
    )


def _is_foreign(letter: str) -> bool:
    parts = unicodedata.normalize("NFD", letter)
    base, marks = parts[0], parts[1:]
    known = letter.isascii() or letter in SPECIAL or letter in SET_BY_ALL
    return not known and not (marks and base.isascii() and base.isalpha() and all(mark in ACCENTS for mark in marks))


def _for_other_engines(letters: str) -> str:
    """Return letters that XeLaTeX and LuaLaTeX set where their font has them, and at which pdfLaTeX would stop."""
    codes = " ".join(f"U+{ord(letter):04X}" for letter in letters)
    return rf"\ifdefined\Umathcode {letters}\else[{codes}]\fi{{}}"


def table(item: Item) -> str:
    """Return a floating table with its caption and label; columns of figures are right-aligned."""
    width = max([len(item.header), *(len(row) for row in item.rows)])
    rows = [[*row, *[""] * (width - len(row))] for row in item.rows]
    columns = "".join("r" if all(FIGURES.fullmatch(row[n]) for row in rows) else "l" for n in range(width))
    header = [*item.header, *[""] * (width - len(item.header))]
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{escape(item.title)}}}",
            rf"  \label{{tab:{re.sub(r'[^A-Za-z0-9-]', '-', item.name)}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            _line(header),
            r"    \midrule",
            *(_line(row) for row in rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _line(cells: list[str]) -> str:
    # A line that begins with a bracket would be read as the length of the line end before it.
    written = [f"{{{escape(cell)}}}" if cell.startswith("[") else escape(cell) for cell in cells]
    return "    " + " & ".join(written) + r" \\"
