"""Tables and plots as files: CSV, Markdown and LaTeX, SVG and PNG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from alpacabench.core.errors import ConfigError, DataError, Problem, allowed
from alpacabench.core.printable import printable
from alpacabench.report.csv_file import write_rows
from alpacabench.report.gate_summary import literal
from alpacabench.report.page_items import Item
from alpacabench.report.tex import table as tex_table
from alpacabench.security.redact import redact_answers

TABLES, PLOTS = (".csv", ".md", ".tex"), (".svg", ".png")
ALL = "all"
PNG_SCALE = 2
"""Pixels per unit: sharp on paper and on dense screens."""
NUMBER = r"[+\N{MINUS SIGN}-]?[\d,]+(?:\.\d+)?"
INTERVAL = re.compile(rf"({NUMBER})%? \(({NUMBER}) to ({NUMBER})\)")
FONT = "'DejaVu Sans', 'Liberation Sans', Arial, sans-serif"
PAD = 12.0


def require_exportable(given: Sequence[str]) -> None:
    """Refuse what cannot be written, before anything is computed.

    Raises:
        ConfigError: another suffix, or a picture without the package that makes it.

    """
    problems = []
    for name in given:
        suffix = Path(name).suffix.lower()
        if suffix not in (*TABLES, *PLOTS):
            remedy = f"a name that ends in {', '.join(TABLES)} for a table, {' or '.join(PLOTS)} for a plot"
            problems.append(Problem("--export", f"given '{name}'", remedy))
        elif suffix == ".png" and not _can_draw():
            remedy = "pip install 'alpacabench[png]', or name a file that ends in .svg"
            problems.append(Problem("--export", f"given '{name}', which needs resvg-py", remedy))
    if problems:
        raise ConfigError(problems)


def _can_draw() -> bool:
    from importlib.util import find_spec

    return find_spec("resvg_py") is not None


def export(given: Sequence[str], items: Sequence[Item], item: str | None, first: Sequence[str] = ()) -> list[Path]:
    """Write each file, and return them.

    Args:
        given: the files; the suffix says the form.
        items: what there is.
        item: which of them; None is the first, `all` writes each into a file of its own, NAME-ITEM.SUFFIX.
        first: the items that stand for the page, of which the first that fits is taken.

    Raises:
        ConfigError: there is no such item, or it has no plot.
        DataError: a file cannot be written.

    """
    written = []
    for name in given:
        path = Path(name)
        fitting = [one for one in items if path.suffix.lower() in TABLES or one.svg]
        if item == ALL:
            written += [_write(path.with_name(f"{path.stem}-{one.name}{path.suffix}"), one) for one in fitting]
        else:
            written.append(_write(path, _chosen(fitting, item, first)))
    return written


def _chosen(fitting: Sequence[Item], item: str | None, first: Sequence[str]) -> Item:
    names = [one.name for one in fitting]
    if item is None and fitting:
        return fitting[next((names.index(name) for name in first if name in names), 0)]
    if item in names:
        return fitting[names.index(str(item))]
    what = "nothing of that form is on the page" if item is None else f"given '{item}'"
    raise ConfigError([Problem("--item", what, allowed(str(item or ""), [*names, ALL]))])


def _write(path: Path, item: Item) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = path.suffix.lower()
        if suffix == ".csv":
            return write_rows(path, *_numbers(item))
        if suffix == ".png":
            path.write_bytes(_png(standalone(item)))
        else:
            text = {".md": markdown, ".tex": tex_table, ".svg": standalone}[suffix](item)
            path.write_text(printable(redact_answers(text)), encoding="utf-8", newline="\n")
    except OSError as error:
        raise DataError(f"--export: cannot write {path}: {error.strerror}\n    name another file") from error
    return path


def _numbers(item: Item) -> tuple[list[str], list[dict[str, object]]]:
    """Return header and rows with plain numbers; an interval is two columns of its own."""
    spread = [any(INTERVAL.fullmatch(row[n]) for row in item.rows if n < len(row)) for n in range(_width(item))]
    header = [*item.header, *[""] * (_width(item) - len(item.header))]
    columns = [_named(header, n) for n in range(_width(item))]
    names = [
        name
        for column, wide in zip(columns, spread, strict=True)
        for name in ((column, f"{column} low", f"{column} high") if wide else (column,))
    ]
    return names, [_row(row, columns, spread) for row in item.rows]


def _named(header: Sequence[str], n: int) -> str:
    name = re.sub(r" ?\(95%( interval)?\)", "", header[n]) or "name"
    return name if [*header].count(header[n]) == 1 else f"{name} {n}"


def _row(row: Sequence[str], columns: Sequence[str], spread: Sequence[bool]) -> dict[str, object]:
    found: dict[str, object] = {}
    for cell, column, wide in zip(row, columns, spread, strict=False):
        match = INTERVAL.fullmatch(cell)
        if match and wide:
            ends = (column, f"{column} low", f"{column} high")
            found |= {name: _plain(text) for name, text in zip(ends, match.groups(), strict=True)}
        else:
            found[column] = _plain(cell)
    return found


def _plain(cell: str) -> object:
    """Return a number as one, without its group separators; any other text as it is."""
    if not re.fullmatch(NUMBER, cell):
        return "" if cell == "–" else cell
    value = float(cell.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    return int(value) if value.is_integer() and "." not in cell else value


def _width(item: Item) -> int:
    return max([len(item.header), *(len(row) for row in item.rows)])


def markdown(item: Item) -> str:
    """Return the table in GitHub's Markdown; every cell is shown as it is."""
    header = [*item.header, *[""] * (_width(item) - len(item.header))]
    lines = [header, ["---"] * len(header), *([*row, *[""] * (len(header) - len(row))] for row in item.rows)]
    marked = [
        "| " + " | ".join(cell if n == 1 else literal(cell) for cell in line) + " |" for n, line in enumerate(lines)
    ]
    return "\n".join([f"**{literal(item.title)}**", "", *marked, ""])


def standalone(item: Item) -> str:
    """Return the plot as one SVG for paper: light, with its colours in it, for programs that know no variables, too."""
    head, _, body = item.svg.partition(">")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    width, height = (float(box[1]), float(box[2])) if box else (980.0, 400.0)
    wide, high = width + 2 * PAD, height + 2 * PAD
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}" height="{high:g}" viewBox="0 0 {wide:g} {high:g}" '
        f'font-family="{FONT}"><style>{_style()}</style><rect width="{wide:g}" height="{high:g}" fill="#ffffff"/>'
        f'<g transform="translate({PAD:g} {PAD:g})">{body.rpartition("</svg>")[0]}</g></svg>\n'
    )


def _style() -> str:
    sheet = (files("alpacabench.report") / "templates" / "style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"(--[\w-]+): ([^;]+);", sheet.partition("}")[0]))
    rules = [line for line in sheet.splitlines() if line.startswith(("svg .", "svg text"))]
    text = " ".join(rules).replace("svg ", "").replace("font-family: inherit; ", "")
    return re.sub(r"var\((--[\w-]+)\)", lambda found: _opaque(colours[found[1]]), text)


def _opaque(colour: str) -> str:
    """Return #rrggbbaa on white: not every program knows the fourth part."""
    if len(colour) != 9:
        return colour
    alpha = int(colour[7:], 16) / 255
    mixed = (round(int(colour[n : n + 2], 16) * alpha + 255 * (1 - alpha)) for n in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _png(svg: str) -> bytes:
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=PNG_SCALE))
