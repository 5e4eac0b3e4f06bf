"""README, CONTRIBUTING and CHANGELOG lie beside docs/ in the repository; on the site they are pages like the others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
"""File at the top of the repository to its page on the site."""
FILES = ("LICENSE", "examples/first_steps.ipynb")
"""What pages link to besides."""
LINK = re.compile(r"\]\(([^)\s#]+)((?:#[^)\s]*)?)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie beside docs/."""
    top = Path(config["config_file_path"]).parent
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=_moved((top / name).read_text(encoding="utf-8"))))
    for name in FILES:
        files.append(File.generated(config, name, abs_src_path=str(top / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to files beside docs/ lead to their pages."""
    return markdown.replace("](../README.md", "](index.md").replace("](../", "](")


def _moved(text: str) -> str:
    """Return a page of the repository's top with links as they are from inside docs/."""
    return LINK.sub(lambda link: f"]({_target(link[1])}{link[2]})", text)


def _target(link: str) -> str:
    return PAGES.get(link, link.removeprefix("docs/"))
