"""A real `alpacabench serve`, its clients, and the blows that it survives."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "0123456789abcdef-the-default-one"
ANN = "0123456789abcdef-of-ann-alone"


class Server:
    """The server's process in a data folder."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data, self.arguments = data, arguments
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says where it listens."""
        tokens = {"ALPACABENCH_SERVE_TOKEN": TOKEN, "ALPACABENCH_SERVE_TOKEN_ANN": ANN}
        command = [sys.executable, "-m", "alpacabench.cli", "serve", "--port", "0", "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*command, "--set", "tracking=none", *self.arguments], cwd=self.data, stdout=subprocess.PIPE, text=True,
            env=os.environ | tokens | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.search(r"http://[\d.:]+", line)
        assert found, line
        self.url = found[0]

    def ask(self, method: str, path: str, token: str = TOKEN, **options: Any) -> httpx2.Response:
        """Send one request."""
        return httpx2.request(
            method, self.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60, **options
        )

    def submit(self, *overrides: str, multirun: bool = False, token: str = TOKEN) -> str:
        """Queue a run; returns its id."""
        answer = self.ask("POST", "/runs", token, json={"overrides": list(overrides), "multirun": multirun})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def state(self, id_: str, token: str = TOKEN) -> dict[str, Any]:
        """Return how a run stands."""
        found: dict[str, Any] = self.ask("GET", f"/runs/{id_}", token).json()
        return found

    def ended(self, id_: str, seconds: float = 120, token: str = TOKEN) -> dict[str, Any]:
        """Wait for a run's end."""
        limit = time.monotonic() + seconds
        while (found := self.state(id_, token))["status"] in ("queued", "running"):
            assert time.monotonic() < limit, found
            time.sleep(0.3)
        return found

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes."""
        return list(psutil.Process(self.process.pid).children())

    def kill(self) -> None:
        """Kill the server as a machine that fails would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop it as an operator would."""
        self.process.terminate()
        self.process.wait(60)


@contextmanager
def serving(data: Path, *arguments: str) -> Iterator[Server]:
    """Give a server for as long as the block lasts."""
    server = Server(data, *arguments)
    try:
        yield server
    finally:
        server.stop()


def raw(url: str, lines: Sequence[bytes], pause: float, limit: float) -> bytes:
    """Send bytes slowly by hand; returns what came back before the server or the limit ended it."""
    import socket

    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=limit) as connection:
        try:
            for line in lines:
                connection.sendall(line)
                time.sleep(pause)
            return connection.recv(65_536)
        except (ConnectionError, TimeoutError) as error:
            return repr(error).encode() if isinstance(error, TimeoutError) else b""


def rates(directory: Path) -> dict[str, float]:
    """Return a run's metrics without what depends on time, store and machine."""
    found = json.loads((directory / "metrics.json").read_text())
    other = ("seconds", "n_generated", "n_judged", "tokens", "per_second", "memory", "loads", "cost")
    return {name: value for name, value in found.items() if not any(word in name for word in other)}
