"""The newcomer's notebook runs as it stands: its cells in one process, and in a real kernel where one is installed."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import ROOT

NOTEBOOK = ROOT / "examples" / "first_steps.ipynb"


def _shown(code: str, names: dict[str, Any]) -> Any:
    """Execute a cell; return what a notebook would show: the value of its last line."""
    body = ast.parse(code).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None  # type: ignore[attr-defined]


def test_every_cell_of_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = [_shown(text, names) for text in code]
    assert all(not cell.get("outputs") for cell in cells)
    assert shown[1] < 50 and shown[-1] is True
    assert sum("<iframe" in one._repr_html_() for one in shown if hasattr(one, "_repr_html_")) == 3
    assert len(names["comparison"].flips) > 4 and len(names["found"].table) == 4


@pytest.mark.slow
def test_the_notebook_runs_in_a_kernel(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="not installed: pip install 'alpacabench[notebook]'")
    pytest.importorskip("ipykernel", reason="not installed: pip install 'alpacabench[notebook]'")
    import nbformat

    shutil.copy(NOTEBOOK, tmp_path)
    notebook = nbformat.read(tmp_path / NOTEBOOK.name, as_version=4)
    done = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in done.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert sum("<iframe" in output.get("data", {}).get("text/html", "") for output in outputs) == 3
