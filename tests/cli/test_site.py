"""The documentation as a site: every page is in its navigation, and it builds without a warning."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.command import ROOT

BESIDE = {"index.md": "README.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}


def _pages(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for item in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from _pages(item)


def test_the_navigation_names_every_page_once_and_no_other() -> None:
    listed = list(_pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    assert sorted(listed) == sorted([*BESIDE, *(path.name for path in (ROOT / "docs").glob("*.md"))])
    assert all((ROOT / name).is_file() for name in BESIDE.values())


def test_what_publications_cite_is_there_and_names_this_version() -> None:
    from alpacabench import __version__

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__ and citation["license"] == "Apache-2.0"
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


@pytest.mark.slow
def test_the_site_builds_strictly_and_its_reference_has_what_the_package_offers(tmp_path: Path) -> None:
    if not (find_spec("material") and find_spec("mkdocstrings")):
        pytest.skip("not installed: pip install 'alpacabench[docs]'")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")]
    settings = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    reference = (tmp_path / "site" / "reference" / "index.html").read_text(encoding="utf-8")
    for name in ("evaluate", "sweep", "compare", "load_run", "Run", "Report"):
        assert f'id="alpacabench.api.{name}"' in reference
    assert "Is the new setting better" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
