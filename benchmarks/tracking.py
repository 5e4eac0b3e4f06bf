"""Examples as MLflow traces: ours in batches, against `mlflow.log_trace` plus `mlflow.log_feedback` one by one.

    python benchmarks/tracking.py [--examples 20] [--rounds 5]

Both write the same examples into one database, or to one `mlflow server` on loopback, in turn and in one process. Ours
are whole: four spans, two assessments and the reference each; theirs have one span and one assessment. MLflow's
functions are timed at their fastest, without its asynchronous queue: feedback needs its trace, and a flush before it
takes a second.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from alpacabench.tracking.client import connect
from alpacabench.tracking.example import ExampleRow, VerdictRow
from alpacabench.tracking.traces import write_traces

START_SECONDS = 180


def examples(number: int) -> list[ExampleRow]:
    """Return made-up examples with texts of usual length."""
    return [
        ExampleRow(
            index=i, instruction=f"Question {i}: " + "what is this about? " * 8, prompt=f"Question {i}", system=None,
            reference="A reference answer. " * 60, reference_generator="reference", output="An answer. " * 90,
            generator="model", preference=1.25, verdicts=[VerdictRow("judge", first, 0, 1.25, {"m": -0.3}, None)
            for first in (True, False)], source="s", category="c", finish_reason="stop", prompt_tokens=40,
            completion_tokens=200, seconds=0.5, failure=None,
        )
        for i in range(number)
    ]  # fmt: skip


def ours(uri: str, experiment: str, run_id: str, rows: list[ExampleRow]) -> None:
    """Write them as a job's follow-up does."""
    write_traces(connect(uri), experiment, run_id, rows, round(time.time() * 1000))


def theirs(uri: str, experiment: str, run_id: str, rows: list[ExampleRow]) -> None:
    """Write them with MLflow's fluent functions."""
    import mlflow
    from mlflow.entities import AssessmentSource

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=experiment)
    judge = AssessmentSource("LLM_JUDGE", "judge")
    with mlflow.start_run(run_id=run_id):
        for row in rows:
            trace = mlflow.log_trace(
                name="example", request=row.instruction, response=row.output, execution_time_ms=500
            )  # fmt: skip
            mlflow.log_feedback(trace_id=trace, name="preference", value=row.preference, source=judge, rationale="why")


def measure(uri: str, number: int, rounds: int) -> dict[str, float]:
    """Return the median milliseconds per example of each way, interleaved; a first round warms the server up."""
    client, rows = connect(uri), examples(number)
    experiment = client.create_experiment("benchmark")
    taken: dict[str, list[float]] = {"alpacabench": [], "log_trace + log_feedback": []}
    for _ in range(1 + rounds):
        for (name, seconds), write in zip(taken.items(), (ours, theirs), strict=True):
            run_id = client.create_run(experiment).info.run_id
            start = time.perf_counter()
            write(uri, experiment, run_id, rows)
            seconds.append(time.perf_counter() - start)
            found = client.search_traces(locations=[experiment], run_id=run_id, max_results=number, include_spans=False)
            assert len(found) == number and all(trace.info.assessments for trace in found), (name, len(found))
    return {name: median(seconds[1:]) / number * 1000 for name, seconds in taken.items()}


@contextmanager
def server(directory: Path, workers: int) -> Iterator[str]:
    """Yield the address of an `mlflow server` on SQLite."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{directory}/{workers}.db",
        "--artifacts-destination", str(directory / "artifacts"), "--workers", str(workers), "--port", str(port),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=2).close()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None, "the server did not start"
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # a server is not left behind
    warnings.simplefilter("ignore", FutureWarning)
    os.environ |= {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true", "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false"}
    print("| store | alpacabench, ms an example | log_trace + log_feedback | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        show("SQLite", measure(f"sqlite:///{name}/own.db", given.examples, given.rounds))
        for workers in (4, 1):  # four is the server's default
            with server(Path(name), workers) as address:
                show(f"mlflow server, workers: {workers}", measure(address, given.examples, given.rounds))


def show(store: str, times: dict[str, float]) -> None:
    """Print a row of the table."""
    fast, slow = times.values()
    print(f"| {store} | {fast:.1f} | {slow:.1f} | {slow / fast:.1f} |", flush=True)


if __name__ == "__main__":
    main()
