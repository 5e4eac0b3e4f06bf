"""--export and `alpacabench export`: what stands on a page as CSV, Markdown, LaTeX, SVG and PNG."""

from __future__ import annotations

import csv
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from alpacabench.report.export import ALL, export, markdown, require_exportable, standalone
from alpacabench.report.page_items import Item, items_of
from alpacabench.report.sweep_report import write_sweep_report
from alpacabench.report.tex import escape, table
from tests.cli.test_runs import command
from tests.helpers.finished_runs import write_run
from tests.helpers.report_data import sweep
from tests.report.test_report_safety import PAGES


@pytest.mark.parametrize("name", PAGES)
def test_every_table_and_plot_of_every_page_is_exported(name: str, tmp_path: Path) -> None:
    page = PAGES[name](tmp_path / "page.html").read_text(encoding="utf-8")
    items = items_of(page)
    assert len(items) == len({item.name for item in items}) >= page.count("<figure")
    assert sum(bool(item.svg) for item in items) == page.count("<figure")
    for suffix in ("csv", "md", "tex", "svg"):
        written = export([str(tmp_path / f"x.{suffix}")], items, ALL)
        assert len(written) == (page.count("<figure") if suffix == "svg" else len(items))
        assert all(path.stat().st_size for path in written)
    for path in tmp_path.glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        ElementTree.fromstring(text)
        assert "var(" not in text and "<script" not in text


def test_numbers_in_a_csv_are_numbers_and_an_interval_is_two_columns(tmp_path: Path) -> None:
    table_ = sweep()
    items = items_of(write_sweep_report(tmp_path / "s.html", table_).read_text(encoding="utf-8"))
    [path] = export([str(tmp_path / "t.csv")], items, "deltas")
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    by_name = {table_.label(row): row.delta_wr for row in table_.rows}
    assert len(rows) == sum(delta is not None for delta in by_name.values())
    for row in rows:
        delta = by_name[row["Setting"]]
        assert delta and float(row["Difference, points"]) == pytest.approx(delta.value, abs=0.051)
        assert float(row["Difference, points low"]) == pytest.approx(delta.low, abs=0.051)


def test_tex_and_markdown_show_a_cell_as_it_is() -> None:
    hostile = r"50% & a_b $x$ #1 {y} ~^ \end{table} <b> | [x](http://e.vil) −1"
    item = Item("t", "100%", ("", "a|b"), [(hostile, "[2]"), ("n", "−3.2 (−4.0 to +1.0)")])
    text = table(item)
    assert r"\end{table}" not in text.removesuffix("\\end{table}\n") and r"\textbackslash{}end\{table\}" in text
    assert r"50\% \& a\_b \$x\$ \#1" in text and "{[2]}" in text and r"\caption{100\%}" in text
    assert escape("a\nb") == "a b"
    assert "](http" not in markdown(item) and "<b>" not in markdown(item)
    assert {line.count(" | ") for line in markdown(item).splitlines()[2:] if line} == {1}


def _has_latex() -> bool:
    """Whether LaTeX is here with the one package that a table needs."""
    return (
        bool(shutil.which("pdflatex"))
        and not subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False).returncode
    )


latex = pytest.mark.skipif(
    not _has_latex(), reason="no LaTeX with booktabs here: apt-get install texlive-latex-recommended"
)


def _latex(folder: Path, tables: list[str]) -> None:
    text = "\n".join(tables)
    document = (
        f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{text}\\clearpage\\end{{document}}"
    )
    (folder / "t.tex").write_text(document, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"], cwd=folder, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


@latex
@pytest.mark.parametrize("name", PAGES)
def test_latex_takes_every_table(name: str, tmp_path: Path) -> None:
    items = items_of(PAGES[name](tmp_path / "page.html").read_text(encoding="utf-8"))
    for item in items:
        _latex(tmp_path, [table(item)])


@latex
def test_latex_takes_any_letters(tmp_path: Path) -> None:
    cells = (
        "\\ { } $ & # _ ^ ~ < > | [",
        "−1 ± 2 …",
        "größer, Ångström, Łódź, ę, ð",
        "模型 🎉 модель λ≈1",
        "‘a’ “b” — ½ €",
    )
    _latex(tmp_path, [table(Item("t", "100% _ 中文", ("", "a", "Δ", "b", "c"), [cells]))])


def test_a_plot_is_a_picture_too(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="pip install 'alpacabench[png]'")
    items = items_of(PAGES["sweep"](tmp_path / "p.html").read_text(encoding="utf-8"))
    [path] = export([str(tmp_path / "plot.png")], items, None)
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000
    assert standalone(items[0]).startswith("<svg xmlns")


def test_without_the_package_a_picture_is_refused_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alpacabench.report.export._can_draw", lambda: False)
    with pytest.raises(Exception, match=r"pip install 'alpacabench\[png\]'"):
        require_exportable(["plot.png"])


def test_commands_export_and_name_what_there_is(tmp_path: Path) -> None:
    for name, preferences in (("a", [1.0, 2.0, 1.0, 2.0] * 10), ("b", [2.0, 2.0, 1.0, 2.0] * 10)):
        write_run(tmp_path / "outputs" / "runs" / name, preferences, generator=name)
    done = command(tmp_path, "compare", "latest-1", "latest", "--export", "table.tex", "plot.svg", "flips.csv")
    assert done.code == 0 and (tmp_path / "plot.svg").is_file(), done.text
    assert r"\toprule" in (tmp_path / "table.tex").read_text()
    assert command(tmp_path, "runs", "--export", "runs.md", "runs.svg").code == 0
    assert "latest&#" not in (tmp_path / "runs.md").read_text() and "latest-1" in (tmp_path / "runs.md").read_text()
    wrong = command(tmp_path, "compare", "latest-1", "latest", "--export", "x.pdf")
    assert wrong.code == 2 and ".tex" in wrong.stderr and not (tmp_path / "x.pdf").exists()
    unknown = command(tmp_path, "compare", "latest-1", "latest", "--export", "x.svg", "--item", "flip")
    assert unknown.code == 2 and "flips" in unknown.stderr
    PAGES["run"](tmp_path / "outputs" / "runs" / "b" / "report.html")
    listed = command(tmp_path, "export", "latest", "--list")
    assert listed.code == 0 and "category" in listed.stdout and "table and plot" in listed.stdout
    assert command(tmp_path, "export", "outputs/runs/b", "c.svg", "--item", "category").code == 0
    assert command(tmp_path, "export", "nothing", "c.svg").code == 2
