"""A saved configuration run again elsewhere: whether its judge is still the one that the saved run had."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alpacabench.analysis.compatible import changes
from alpacabench.analysis.finished_run import read_object
from alpacabench.io.run_files import JUDGE_FILE
from alpacabench.judge.base import Judge


def told(folders: Iterable[Path], judge: Judge) -> list[str]:
    """Return where this judge differs from that of the run whose configuration lies in one of the folders.

    Args:
        folders: where the configuration came from; a run's own lies in `.hydra` or beside `judge.json`.
        judge: as it is built from that configuration here.

    """
    beside = [folder.parent if folder.name == ".hydra" else folder for folder in folders]
    saved = next((place / JUDGE_FILE for place in beside if (place / JUDGE_FILE).is_file()), None)
    here = judge.content()
    if saved is None or not here:
        return []
    return [
        f"this judge is not that of {saved.parent}: its {key} has {there}, this one {ours}; their figures are not alike"
        for key, there, ours in changes(read_object(saved, "values"), here)
    ]
