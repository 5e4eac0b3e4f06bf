"""alpacabench in Python, for notebooks and scripts: `evaluate`, `sweep`, `compare`, `load_run`.

    from alpacabench import evaluate, sweep, compare, load_run
    run = evaluate("model=recorded", "model.path=outputs.json", "judge=longest")
    run.metrics["win_rate"]; run.examples; run.report
    table = sweep("decoding.temperature=0.0,0.7", "perturbation=none,typos").table

Overrides are those of the command line, runs and sweeps leave the same files, and what is wrong is told in the same
words, as an `AlpacabenchError`. Nothing of Hydra, of logging or of the working directory is left changed.
"""

from __future__ import annotations

import html
import os
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from alpacabench.core.errors import DataError, StageError

if TYPE_CHECKING:
    import pandas as pd

    from alpacabench.analysis.compare.comparison import Comparison as Pair
    from alpacabench.analysis.finished_run import FinishedRun

RUNS, SWEEPS = Path("outputs", "runs"), Path("outputs", "sweeps")
"""Where the command line puts them, too."""
HEIGHT = 720
"""Pixels of a report inside a notebook."""


@dataclass(frozen=True)
class Report:
    """A page; a notebook shows it where it is the last line of a cell."""

    title: str
    html: str
    """The whole page; it needs no network."""

    def save(self, path: str | Path) -> Path:
        """Write the page into a file; returns its path."""
        Path(path).write_text(self.html, encoding="utf-8")
        return Path(path)

    def __repr__(self) -> str:
        """Return its title."""
        return f"Report({self.title!r})"

    def _repr_html_(self) -> str:
        # A frame of its own: the page's style stays its own, and its scripts cannot reach the notebook.
        frame = f'<iframe sandbox="allow-scripts" width="100%" height="{HEIGHT}" style="border: 0"'
        return f'{frame} title="{html.escape(self.title)}" srcdoc="{html.escape(self.html)}"></iframe>'


@dataclass(frozen=True)
class Run:
    """A finished run."""

    origin: str
    """Its directory, its annotation file, or its MLflow run id."""
    finished: FinishedRun
    """What its files say."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """Every metric under its name in MLflow (docs/scoring.md); empty for an annotation file of alpaca_eval."""
        return self.finished.metrics

    @cached_property
    def examples(self) -> pd.DataFrame:
        """One row per prompt: `index`, `instruction`, `output`, `reference`, `preference` in [1, 2] and its parts.

        A preference of 2 is a win of the model, 1 of the reference, NaN a missing verdict; `length` is in characters.
        """
        import pandas as pd

        return pd.DataFrame([asdict(item) for item in self.finished.items.values()])

    @property
    def report(self) -> Report:
        """The run's page.

        Raises:
            DataError: what was given is no run directory with a page.

        """
        return _page(Path(self.origin) / "report.html", self.finished.name)

    def __repr__(self) -> str:
        """Return the result in one line."""
        rate, low, high = (self.metrics.get(name) for name in ("win_rate", "win_rate_ci_low", "win_rate_ci_high"))
        interval = f" ({low:.1f} to {high:.1f})" if low is not None and high is not None else ""
        result = "no win rate" if rate is None else f"win rate {rate:.2f}{interval}"
        return f"Run({self.finished.name}: {result}, {len(self.finished.items)} prompts, {self.origin})"


@dataclass(frozen=True)
class Sweep:
    """A finished sweep."""

    directory: Path

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per job: what varies, the win rate, the paired difference to the base, and whether it may be luck.

        The columns are those of sweep.csv (docs/sweeps.md); rates and differences are in percentage points.
        """
        import pandas as pd

        return pd.read_csv(self.directory / "sweep.csv")

    @property
    def runs(self) -> list[Run]:
        """The jobs that have a result, by number."""
        done = self.table.loc[self.table["status"].isin(["finished", "stopped"]), "job"]
        return [load_run(self.directory / str(number)) for number in done]

    @property
    def report(self) -> Report:
        """The sweep's page."""
        return _page(self.directory / "sweep.html", str(self.directory))

    def __repr__(self) -> str:
        """Return the number of jobs and where they are."""
        return f"Sweep({len(self.table)} jobs, {self.directory})"


@dataclass(frozen=True)
class Comparison:
    """The paired comparison of two runs; differences are the second's minus the first's, in percentage points."""

    pair: Pair
    """Everything that was found."""

    @property
    def metrics(self) -> dict[str, float]:
        """Every figure of the comparison: `delta_wr` with its interval, `mcnemar_p`, `mde_80_paired`, ..."""
        return self.pair.metrics()

    @cached_property
    def flips(self) -> pd.DataFrame:
        """One row per prompt whose winner is another one now, with both answers and why it may have flipped."""
        import pandas as pd

        return pd.DataFrame([flip.as_json() for flip in self.pair.flipped])

    @property
    def report(self) -> Report:
        """The comparison's page."""
        from alpacabench.analysis.compare.page import page_of
        from alpacabench.report.compare_report import write_compare_report

        with tempfile.TemporaryDirectory(prefix="alpacabench-") as folder:
            path = write_compare_report(Path(folder) / "compare.html", page_of(self.pair))
            return _page(path, f"{self.pair.run.name} against {self.pair.base.name}")

    def __repr__(self) -> str:
        """Return the result in one sentence."""
        from alpacabench.analysis.compare.page import page_of
        from alpacabench.analysis.sentences.compare import headline

        return f"Comparison({headline(page_of(self.pair))})"


def evaluate(*overrides: str) -> Run:
    """Run one evaluation, as `alpacabench run OVERRIDES` does, and return it.

    Args:
        overrides: Hydra overrides, such as `"judge=longest"`; keys belong into the environment.

    Raises:
        AlpacabenchError: what the command line would print: a `ConfigError` lists all mistakes, and nothing was
            started; any other says what was kept.

    """
    from alpacabench.cli.hydra_session import run_one

    directory = _directory(overrides, "hydra.run.dir", RUNS)
    run_one(overrides, directory)
    return load_run(directory)


def sweep(*overrides: str) -> Sweep:
    """Run a sweep, as `alpacabench run -m OVERRIDES` does, and return it.

    A job that failed is a row of the table with its `failure`, and a warning; the others are not stopped by it.

    Args:
        overrides: Hydra overrides, of which some have several values: `"decoding.temperature=0.0,0.7"`.

    Raises:
        AlpacabenchError: what the command line would print; all jobs are checked before the first is started.

    """
    from alpacabench.cli.hydra_session import run_many

    directory = _directory(overrides, "hydra.sweep.dir", SWEEPS)
    run_many(overrides, directory)
    found = Sweep(directory)
    failed = found.table[~found.table["status"].isin(["finished", "stopped"])]
    if len(failed) == len(found.table):
        raise StageError(f"all {len(failed)} jobs failed; the first: {failed['failure'].iloc[0]}")
    if len(failed):
        warnings.warn(f"{len(failed)} of {len(found.table)} jobs failed: see the table's column failure", stacklevel=2)
    return found


def load_run(run: str | Path, *, outputs: str | Path | None = None, tracking_uri: str | None = None) -> Run:
    """Return a finished run.

    Args:
        run: a run directory, an annotation file (alpaca_eval's, too, also .gz), an MLflow run id, or `latest`,
            `latest-1`, ... for a run below outputs/.
        outputs: the model's outputs, where they lie elsewhere.
        tracking_uri: where the MLflow run is; None is MLFLOW_TRACKING_URI.

    Raises:
        DataError: nothing is there, or rows cannot be used; names the file and the row.

    """
    from alpacabench.analysis.finished_run import read_run

    finished = read_run(str(run), str(outputs) if outputs else None, None, tracking_uri)
    return Run(finished.origin, finished)


def compare(
    base: Run | str | Path,
    run: Run | str | Path,
    *,
    lc_data: str | Path | None = None,
    dataset: str | Path | None = None,
    margin: float | None = None,
) -> Comparison:
    """Compare two finished runs prompt by prompt, as `alpacabench compare BASE RUN` does.

    Args:
        base: what the other is compared with: a run, or what `load_run` takes.
        run: the other; differences are its own minus the base's.
        lc_data: alpaca_eval's df_gamed.csv, for length control; None is what the runs themselves used.
        dataset: the whole data set in its own order, with its reference outputs.
        margin: points within which the runs count as equivalent; None is the command line's own.

    Raises:
        DataError: a run cannot be read, or they have different judges or references, or no prompt in common.

    """
    from alpacabench.analysis.compare.comparison import compare as paired
    from alpacabench.analysis.decision import MARGIN
    from alpacabench.analysis.difficulty_files import read_difficulties

    before, after = (one.finished if isinstance(one, Run) else load_run(one).finished for one in (base, run))
    data, rows = (str(path) if path else None for path in (lc_data, dataset))
    table = read_difficulties(data, rows, [before.difficulty_files, after.difficulty_files])
    return Comparison(paired(before, after, table, MARGIN if margin is None else margin))


def _directory(overrides: tuple[str, ...], key: str, parent: Path) -> Path:
    """Return the directory that the overrides name, else a new one: two calls may begin in the same second."""
    named = [text.partition("=")[2].strip("'\"") for text in overrides if str(text).startswith(f"{key}=")]
    if named:
        return Path(named[-1]).absolute()
    name = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{os.getpid()}"
    number = 1
    while (found := parent / (name if number == 1 else f"{name}_{number}")).exists():
        number += 1
    return found.absolute()


def _page(path: Path, title: str) -> Report:
    try:
        return Report(title, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}\n    a run directory has its page; compare(a, b).report compares any two runs"
        ) from error
