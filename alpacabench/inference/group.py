"""The parent's side of a group of worker processes: start them once, hand out shares, stream their answers."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import IO, Any, TypeVar

from alpacabench.core.errors import GenerationError
from alpacabench.inference.meeting import MEETING, Door, loopback_only
from alpacabench.inference.rank import PARENT, SECRET
from alpacabench.inference.spec import (
    Answer,
    ChatFormat,
    Choice,
    ChoiceAnswer,
    ChooseJob,
    DecodeSpec,
    Finished,
    GenerateJob,
    ModelSpec,
    Noted,
    Plan,
    Task,
)

log = logging.getLogger(__name__)

START_SECONDS = 600.0
"""How long the ranks may take to connect; loading the model afterwards has no limit."""

LAST_LINES = 30
"""How much of a dead worker's output is shown."""

CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
"""Signals by which native code ends its own process; the other fatal ones come from outside."""

Item = TypeVar("Item")


class WorkerDied(GenerationError):
    """A worker process ended or failed; the message has its last lines."""


class WorkerCrashed(WorkerDied):
    """A worker process died of a fault in native code, such as a collective's: the same work may well succeed."""


class Ranks:
    """The rank processes that one machine runs; they die when this process does."""

    def __init__(self, plan: Plan, first: int, parent: str, secret: str, port: int) -> None:
        count = plan.num_processes // plan.num_machines
        threads = max(1, (os.cpu_count() or 1) // count)
        self.logs: list[IO[bytes]] = []
        self.processes: list[subprocess.Popen[bytes]] = []
        # Only this user can read it: what the ranks of one machine tell each other first goes through a file there.
        self.meeting = tempfile.mkdtemp(prefix="alpacabench-")
        alone = {MEETING: f"{self.meeting}/ranks", **loopback_only()} if plan.num_machines == 1 else {}
        root = str(Path(__file__).resolve().parents[2])
        for local in range(count):
            environment = os.environ | {
                "RANK": str(first + local),
                "LOCAL_RANK": str(local),
                "WORLD_SIZE": str(plan.num_processes),
                "LOCAL_WORLD_SIZE": str(count),
                "MASTER_ADDR": plan.main_process_ip,
                "MASTER_PORT": str(port),
                "OMP_NUM_THREADS": str(threads),
                "OMP_WAIT_POLICY": "PASSIVE",
                "TOKENIZERS_PARALLELISM": "false",
                "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
                PARENT: parent,
                SECRET: secret,
                **alone,
            }
            output = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
            command = [sys.executable, "-m", "alpacabench.inference.rank"]
            self.logs.append(output)
            self.processes.append(
                subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output)
            )

    def last_lines(self, local: int) -> str:
        """Return the end of a rank's output."""
        self.logs[local].seek(0)
        lines = self.logs[local].read().decode("utf-8", "replace").strip().splitlines()
        return "\n".join(f"    | {line}" for line in lines[-LAST_LINES:])

    def stop(self) -> None:
        """End all ranks."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            if process.stdin:
                process.stdin.close()
        for output in self.logs:
            output.close()
        shutil.rmtree(self.meeting, ignore_errors=True)


class Group:
    """Ranks that have loaded one model together, or each for itself."""

    def __init__(self, spec: ModelSpec, plan: Plan) -> None:
        self.spec, self.plan = spec, plan
        self.loads = 0
        self.peak_bytes = 0
        self.alive = True
        secret = os.environ.get(SECRET) or secrets.token_hex(32)
        door = Door(plan.main_process_ip, _port(plan, 1), bytes.fromhex(secret))
        log.info("Starting %d worker processes (%s)", plan.num_processes, plan.mode)
        self.ranks = Ranks(plan, 0, door.address, secret, _port(plan, 0))
        try:
            self.connections = self._connect(door)
            for connection in self.connections.values():
                connection.send((spec, plan))
            for _ in self._collect(range(plan.num_processes), together=True):  # they meet before they load
                pass
        except BaseException:
            self.close()
            raise
        finally:
            door.close()

    def generate(
        self, tasks: Sequence[Task], spec: DecodeSpec, form: ChatFormat, batch_size: int | None = None
    ) -> Iterator[Answer]:
        """Yield answers as they arrive; ranks take strided shares of the tasks, longest prompts first."""
        yield from self._run(tasks, lambda share: GenerateJob(share, spec, form, batch_size))

    def choose(self, choices: Sequence[Choice], form: ChatFormat, tokens: int | None = None) -> Iterator[ChoiceAnswer]:
        """Yield the log probabilities of each question's options; `tokens` are those of one forward pass."""
        yield from self._run(choices, lambda share: ChooseJob(share, form, tokens))

    def close(self) -> None:
        """End the ranks."""
        self.alive = False
        for connection in getattr(self, "connections", {}).values():
            connection.close()  # ranks on other machines end by this
        self.ranks.stop()

    def _run(self, items: Sequence[Any], job: Any) -> Iterator[Any]:
        ordered = sorted(items, key=lambda item: (-sum(len(message[1]) for message in item.messages), item.key))
        left = {item.key for item in items}
        finished = False
        try:
            for rank, connection in self.connections.items():
                share = ordered if self.plan.mirrored else ordered[rank :: self.plan.num_processes]
                connection.send(job(tuple(share)))
            for answer in self._collect(self.connections, together=self.plan.lockstep):
                if answer.key in left:  # tensor parallel ranks all send the same answers
                    left.discard(answer.key)
                    yield answer
            finished = True
        except OSError as error:
            raise WorkerDied(f"a worker process is gone: {error}") from error
        finally:
            if not finished:  # an error, or the caller stopped listening: ranks are in the middle of a job
                self.close()
        if left:
            raise WorkerDied(f"the worker processes left {len(left)} of {len(items)} questions unanswered")

    def _connect(self, door: Door) -> dict[int, Connection]:
        """Wait for every rank to call."""
        connections: dict[int, Connection] = {}
        deadline = time.monotonic() + START_SECONDS
        while len(connections) < self.plan.num_processes:
            connections |= door.callers()
            self._raise_if_dead(time.monotonic() > deadline)
        return connections

    def _raise_if_dead(self, late: bool) -> None:
        for local, process in enumerate(self.ranks.processes):
            if process.poll() is not None:
                raise WorkerDied(self._story(local, f"ended with exit code {process.returncode} while starting"))
        if late:
            raise WorkerDied(f"not all {self.plan.num_processes} worker processes came up in {START_SECONDS:.0f} s")

    def _collect(self, ranks: Any, together: bool) -> Iterator[Any]:
        """Yield what the ranks send until each is finished; then raise if one died or failed.

        Where they do this together, the others would wait for a lost one, for ever: then it raises at once.
        """
        waiting = {self.connections[rank]: rank for rank in ranks}
        troubles: list[WorkerDied | MemoryError] = []
        while waiting:
            for connection in wait(list(waiting)):
                rank = waiting[connection]  # type: ignore[index]
                try:
                    message = connection.recv()  # type: ignore[union-attr, call-arg]
                except (EOFError, ConnectionError):
                    troubles.append(self._death(rank))
                    del waiting[connection]  # type: ignore[arg-type]
                    continue
                if isinstance(message, Noted):
                    log.log(message.level, "worker %d: %s", rank, message.text)
                    continue
                if not isinstance(message, Finished):
                    yield message
                    continue
                del waiting[connection]  # type: ignore[arg-type]
                self.loads = max(self.loads, message.loads)
                self.peak_bytes = max(self.peak_bytes, message.peak_bytes)
                if message.failure:
                    memory = message.out_of_memory
                    troubles.append(MemoryError() if memory else WorkerDied(self._story(rank, message.failure)))
            if troubles and together:
                break
        if troubles:
            raise troubles[0]

    def _death(self, rank: int) -> WorkerDied:
        story = self._story(rank, "died")
        local = self.ranks.processes[rank : rank + 1]
        return (WorkerCrashed if any(-(p.returncode or 0) in CRASHES for p in local) else WorkerDied)(story)

    def _story(self, rank: int, what: str) -> str:
        kept = "the answers that it had sent are kept, and the same command goes on from there"
        if rank >= len(self.ranks.processes):
            return f"worker {rank} on another machine {what}; {kept}"
        process = self.ranks.processes[rank]
        try:
            code = process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = None
        ended = f" (signal {-code})" if code is not None and code < 0 else f" (exit code {code})" if code else ""
        return f"worker {rank} {what}{ended}; {kept}. Its last lines:\n{self.ranks.last_lines(rank)}"


def _port(plan: Plan, offset: int) -> int:
    return plan.main_process_port + offset if plan.main_process_port else 0
