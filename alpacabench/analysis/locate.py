"""Where the files of a run are: in its directory, beside an annotation file, or among an MLflow run's artifacts."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alpacabench.core.errors import DataError
from alpacabench.core.hosts import public_url
from alpacabench.io.manifest import RESULT
from alpacabench.io.outputs import resolve
from alpacabench.io.rows import SUFFIXES
from alpacabench.io.run_files import CANARIES_FILE, JUDGE_FILE
from alpacabench.tracking import uri as tracking

RUN_ID = re.compile(r"[0-9a-f]{32}")
ANNOTATIONS = ("annotations.json", "annotations.json.gz")
ARTIFACTS = (
    "annotations.json", "model_outputs.json", "metrics.json", "verdicts.jsonl", "generations.jsonl", "checks.jsonl",
    "config.yaml", JUDGE_FILE, CANARIES_FILE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one run; None where there is none."""

    annotations: Path
    name: str = ""
    """A name that the file's own name gives."""
    outputs: Path | None = None
    metrics: Path | None = None
    verdicts: Path | None = None
    generations: Path | None = None
    checks: Path | None = None
    config: Path | None = None
    judge: Path | None = None
    canaries: Path | None = None
    job: Path | None = None
    """What a job of a sweep told its sweep."""
    hydra: Path | None = None
    """Hydra's own configuration: where the run was started."""


@contextmanager
def locate(given: str, tracking_uri: str | None = None) -> Iterator[Files]:
    """Give the files of a run directory, an annotation file or an MLflow run id, for as long as the block lasts.

    Args:
        given: one of these, or `latest`, `latest-1`, ... for a run below outputs/.
        tracking_uri: where the MLflow run is.

    Raises:
        DataError: it is none of these.

    """
    given = resolve(given)
    path = Path(given).expanduser()
    if path.is_dir():
        yield _in_directory(path)
    elif path.is_file():
        yield _beside(path)
    elif RUN_ID.fullmatch(given):
        with tempfile.TemporaryDirectory(prefix="alpacabench-") as folder:
            yield _from_mlflow(given, tracking_uri, Path(folder))
    else:
        raise DataError(
            f"RUN: given '{given}': no such directory or file\n"
            f"    give a run directory, an annotation file ({', '.join(SUFFIXES)}, also .gz), an MLflow run id "
            "(32 hexadecimal digits), or latest, latest-1, ... (`alpacabench runs` lists them)"
        )


def home(given: str) -> Path | None:
    """Return the directory of a run, where results about it go; None for an MLflow run, which has none here."""
    path = Path(resolve(given)).expanduser()
    return path if path.is_dir() else path.parent if path.is_file() else None


def _in_directory(folder: Path) -> Files:
    found = [folder / name for name in ANNOTATIONS if (folder / name).is_file()]
    # alpaca_eval has one folder per judge inside the model's folder.
    found = found or sorted(path for name in ANNOTATIONS for path in folder.glob(f"*/{name}"))
    if not found and (folder / "model_outputs.json").is_file():
        answers = folder / "model_outputs.json"
        raise DataError(
            f"RUN: {folder} holds answers that nobody judged (judge=none), so there is no win rate\n"
            f"    judge them: `alpacabench run model=recorded model.path={answers} judge=NAME`, with the same dataset"
        )
    if len(found) != 1:
        inside = ", ".join(str(path.relative_to(folder)) for path in found)
        raise DataError(
            f"RUN: {folder} "
            + (f"holds several runs: {inside}\n    give one of them" if found else "holds no annotations.json")
            + ("" if found else "\n    give the directory of a finished run, or an annotation file")
        )
    return _beside(found[0])


def _beside(annotations: Path) -> Files:
    """Return the annotations with what lies beside: the run's files, or `X.outputs.json` to `X.annotations.json`."""
    folder, name = annotations.parent, annotations.name
    stem = re.sub(r"(\.gz)$", "", name).rsplit(".", 1)[0]
    if stem == "annotations":
        return Files(
            annotations,
            outputs=_first(folder / "model_outputs.json", folder.parent / "model_outputs.json"),
            metrics=_first(folder / "metrics.json"),
            verdicts=_first(folder / "verdicts.jsonl"),
            generations=_first(folder / "generations.jsonl"),
            checks=_first(folder / "checks.jsonl"),
            judge=_first(folder / JUDGE_FILE),
            canaries=_first(folder / CANARIES_FILE),
            config=_first(folder / ".hydra" / "config.yaml", folder / "config.yaml"),
            job=_first(folder / RESULT),
            hydra=_first(folder / ".hydra" / "hydra.yaml"),
        )
    stem = stem.removesuffix(".annotations")
    return Files(
        annotations,
        name=stem,
        outputs=_first(folder / f"{stem}.outputs.json", folder / f"{stem}.outputs.json.gz"),
    )


def _first(*paths: Path) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _from_mlflow(run_id: str, tracking_uri: str | None, folder: Path) -> Files:
    uri = tracking.tracking_uri(tracking_uri)
    place = public_url(uri) if "@" in uri else uri
    database = Path(uri.removeprefix("sqlite:///"))
    reason = f"no such file: {database}" if uri.startswith("sqlite:") and not database.is_file() else None
    if reason := reason or tracking.unreachable(uri):
        raise DataError(
            f"RUN: '{run_id}' is an MLflow run id, and nothing answers at {place}: {reason}\n"
            "    set MLFLOW_TRACKING_URI or --tracking-uri, or give the run's directory"
        )
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise DataError(f"RUN: '{run_id}' is an MLflow run id: pip install mlflow, to read it") from error
    try:
        client = MlflowClient(uri)
        listed = list(client.list_artifacts(run_id))
        paths = [item.path for item in listed if not item.is_dir]
        paths += [i.path for item in listed if item.is_dir for i in client.list_artifacts(run_id, item.path)]
        for path in paths:
            if Path(path).name in ARTIFACTS:
                downloaded = Path(client.download_artifacts(run_id, path, str(folder)))
                downloaded.replace(folder / downloaded.name)
    except MlflowException as error:
        raise DataError(
            f"RUN: MLflow run {run_id} cannot be read from {place}: {str(error).splitlines()[0]}\n"
            "    set MLFLOW_TRACKING_URI or --tracking-uri, or give the run's directory"
        ) from error
    return _in_directory(folder)
