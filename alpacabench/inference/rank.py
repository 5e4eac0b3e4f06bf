"""One worker process: `python -m alpacabench.inference.rank`, started by `alpacabench.inference.group`.

It imports torch, transformers and accelerate, and knows no configuration: the parent sends it frozen values.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Client, Connection
from typing import Any

from alpacabench.inference.meeting import MEETING, join
from alpacabench.inference.spec import ChooseJob, Finished, GenerateJob, ModelSpec, Noted, Plan

PARENT, SECRET = "ALPACABENCH_WORKER_PARENT", "ALPACABENCH_WORKER_SECRET"

CALL_SECONDS = 600.0
"""How long a rank tries to reach its parent."""


def main() -> None:
    """Connect to the parent, load the model once, and answer jobs until the parent is gone."""
    faulthandler.enable(all_threads=False)  # a crash in native code names the Python line that led to it
    threading.Thread(target=_die_with_parent, daemon=True).start()
    host, _, port = os.environ[PARENT].rpartition(":")
    connection = _call((host, int(port)), bytes.fromhex(os.environ.pop(SECRET)))
    connection.send(int(os.environ["RANK"]))
    spec, plan = connection.recv()
    try:
        engine = _engine(spec, plan)
    except BaseException as error:
        connection.send(_failed(error))
        raise
    _serve(connection, engine)
    # Not a plain return: collectives that never finish would keep the interpreter from ending.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _call(address: tuple[str, int], secret: bytes) -> Connection:
    """Connect to the parent, which may come up later where it is on another machine."""
    deadline = time.monotonic() + CALL_SECONDS
    while True:
        try:
            return Client(address, authkey=secret)
        except (ConnectionError, EOFError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _serve(connection: Connection, engine: Any) -> None:
    from alpacabench.inference.loading import loads, peak_bytes

    line = _Line(connection)
    notes = logging.getLogger("alpacabench.inference.engine")
    notes.setLevel(logging.INFO)
    notes.addHandler(line)
    line.send(Finished(loads(), peak_bytes()))
    while True:
        try:
            job = connection.recv()
        except (EOFError, ConnectionError):
            return
        try:
            for answer in _answers(engine, job):
                line.send(answer)
            line.send(Finished(loads(), peak_bytes()))
        except ConnectionError:
            return
        except Exception as error:
            line.send(_failed(error))


def _answers(engine: Any, job: GenerateJob | ChooseJob) -> Iterator[Any]:
    if isinstance(job, GenerateJob):
        return engine.generate(job.tasks, job.decode, job.form, job.batch_size)  # type: ignore[no-any-return]
    return engine.choose(job.choices, job.form, job.tokens)  # type: ignore[no-any-return]


class _Line(logging.Handler):
    """The connection to the parent, which also gets what the engine logs: a person reads the parent's log."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection

    def send(self, message: Any) -> None:
        self.acquire()  # the engine's lanes log from threads of their own
        try:
            self.connection.send(message)
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        self.send(Noted(record.levelno, record.getMessage()))


def _engine(spec: ModelSpec, plan: Plan) -> Any:
    import torch
    from accelerate import PartialState

    from alpacabench.inference import placement
    from alpacabench.inference.engine import Engine

    cpu = spec.device == "cpu" or not torch.cuda.is_available()
    if file := os.environ.get(MEETING):
        join(file, int(os.environ["RANK"]), plan.num_processes, cpu)
    if plan.mode == "zero3":
        return Engine(*placement.zero3(spec, plan, cpu))
    state = PartialState(cpu=cpu)
    spec = replace(spec, device=str(state.device))
    if plan.mode == "tensor_parallel":
        return Engine(*placement.tensor_parallel(spec))
    return Engine(placement.whole(spec))


def _failed(error: BaseException) -> Finished:
    from alpacabench.inference.loading import out_of_memory

    traceback.print_exc()
    memory = isinstance(error, Exception) and out_of_memory(error)
    return Finished(failure=f"{type(error).__name__}: {error}", out_of_memory=memory)


def _die_with_parent() -> None:
    """End when standard input closes: the starter holds its other end, and the kernel closes it however that dies."""
    # Not sys.stdin: its lock, held while this waits, makes an interpreter that ends by an exception abort.
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
