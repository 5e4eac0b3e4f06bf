"""AlpacaEval's prompts: a JSON file at a pinned revision of the Hub, or a local copy, with its content checked.

The file is read as plain JSON: the Hub's data set script is refused by current `datasets`
(tatsu-lab/alpaca_eval issue 454).
"""

from __future__ import annotations

from collections.abc import Iterator

from alpacabench.core.errors import DataError, Problem
from alpacabench.core.records import digest
from alpacabench.dataset.base import Dataset
from alpacabench.io.hub import dataset_file
from alpacabench.io.rows import Row, read_rows


class HubFile(Dataset):
    """A file of a Hub data set at a pinned revision; `dataset.path` is a local copy instead."""

    repo: str
    filename: str
    revision: str
    """The commit of the Hub data set."""
    content_digest: str | None = None
    """SHA-256 of the canonical (instruction, output) rows; other rows fail the run. Null checks nothing."""

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
        """Return the rows, checked against the pinned digest."""
        path = self.path or dataset_file(self.repo, self.filename, self.revision, "dataset.path")
        rows = read_rows(path, "dataset.path")
        found = digest([[row.get("instruction"), row.get("output")] for row in rows])
        if self.content_digest and found != self.content_digest:
            raise DataError(
                f"dataset.path: {path} does not hold the pinned rows of {self.name}: digest {found[:16]}, "
                f"expected {self.content_digest[:16]} ({len(rows)} rows)\n"
                "    use the original file, or `dataset=jsonl` for prompts of your own"
            )
        return rows, path
