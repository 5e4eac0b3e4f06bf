"""Where the difficulties of the prompts are: in the files that the user names, or in those that a run used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from alpacabench.core.errors import DataError
from alpacabench.io.rows import read_rows, unique_instructions

if TYPE_CHECKING:
    from alpacabench.scoring.difficulty import DifficultyTable


class DifficultyFiles(NamedTuple):
    """The two files that give each instruction its difficulty."""

    lc_data: str
    """alpaca_eval's df_gamed.csv: difficulty by row number."""
    dataset: str
    """The whole data set in its own order: which instruction has which row number."""


def used_files(config: Mapping[str, Any], directory: str) -> DifficultyFiles | None:
    """Return the files that a run's configuration names, or the Hub's where they are cached; None where they are not.

    Args:
        config: the run's configuration.
        directory: where the run was started: its relative paths are from there.

    """
    dataset, scoring = config.get("dataset") or {}, config.get("scoring") or {}
    if not dataset.get("has_difficulty"):
        return None
    paths = (
        scoring.get("lc_data") or _cached("df_gamed.csv", dataset),
        dataset.get("path") or _cached(dataset.get("filename"), dataset),
    )
    found = [str(Path(directory, Path(path).expanduser())) for path in paths if path]
    return DifficultyFiles(*found) if len(found) == 2 and all(Path(path).is_file() for path in found) else None


def read_difficulties(
    lc_data: str | None, dataset: str | None, used: Iterable[DifficultyFiles | None] = ()
) -> DifficultyTable | None:
    """Return the difficulties by instruction; None where neither the user nor a run names the files.

    Args:
        lc_data: the user's file of difficulties.
        dataset: the user's file of the whole data set.
        used: the files that the runs themselves used; the first are taken where the user names none.

    Raises:
        DataError: only one of the two files is named, a file cannot be used, or they do not belong together.

    """
    if lc_data and not dataset:
        raise DataError(
            "--dataset: missing; --lc-data gives difficulties by row number, and the rows are those of the data set\n"
            "    give the whole data set in its own order, such as the Hub's alpaca_eval_gpt4_baseline.json"
        )
    if lc_data and dataset:
        files: DifficultyFiles | None = DifficultyFiles(lc_data, dataset)
    else:
        files = next(filter(None, used), None)
    if files is None:
        return None
    from alpacabench.scoring.difficulty import DifficultyTable

    rows = read_rows(files.dataset, "--dataset")
    unique_instructions(rows, files.dataset, "--dataset")
    return DifficultyTable.read(files.lc_data, [row["instruction"] for row in rows])


def _cached(filename: str | None, dataset: Mapping[str, Any]) -> str | None:
    if not filename or not dataset.get("repo"):
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(dataset["repo"], filename, revision=dataset.get("revision"), repo_type="dataset")
    return found if isinstance(found, str) else None
