"""AlpacaEval's prompts: a JSON file at a pinned revision of the Hub, or a local copy, with its content checked.

The file is read as plain JSON: the Hub's data set script is refused by current `datasets`
(tatsu-lab/alpaca_eval issue 454).
"""

from __future__ import annotations

from collections.abc import Iterator

from alpacabench.core.errors import Problem
from alpacabench.dataset.base import Dataset
from alpacabench.io.hub import dataset_file
from alpacabench.io.rows import Row, read_rows


class HubFile(Dataset):
    """A file of a Hub data set at a pinned revision; `dataset.path` is a local copy instead."""

    repo: str
    filename: str
    revision: str
    """The commit of the Hub data set."""
    generator: str | None = None
    """What wrote the pinned file's reference outputs, as its rows say."""

    @property
    def known_reference(self) -> str | None:
        """The pinned file's generator; a local file may name another one."""
        return None if self.path or self.reference else self.generator

    def problems(self) -> Iterator[Problem]:
        """Yield missing files and a revision that is no commit."""
        if len(self.revision) != 40:
            yield Problem("dataset.revision", f"given '{self.revision}'", "pin a commit: 40 hexadecimal digits")
        yield from super().problems()

    def rows(self) -> tuple[list[Row], str]:
        """Return the rows."""
        path = self.path or dataset_file(self.repo, self.filename, self.revision, "dataset.path")
        return read_rows(path, "dataset.path"), path
