"""How the ranks of a group find their parent and each other: no port beyond this machine where they all run on it."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge

MEETING = "ALPACABENCH_WORKER_MEETING"
"""The environment variable with the file through which the ranks of one machine meet."""

POLL_SECONDS = 0.1
INTRODUCTION_SECONDS = 10.0
"""A caller that says nothing for so long is none of ours: a port scan, a health check."""


class Door:
    """The parent's port, at which ranks that know the secret introduce themselves; nobody keeps the others waiting."""

    def __init__(self, host: str, port: int, secret: bytes) -> None:
        self._secret = secret
        self._socket = socket.create_server((host, port), backlog=128)
        self._socket.settimeout(POLL_SECONDS)
        self._known: queue.SimpleQueue[tuple[int, Connection]] = queue.SimpleQueue()
        self.address = "{}:{}".format(*self._socket.getsockname()[:2])

    def callers(self) -> dict[int, Connection]:
        """Wait a moment; return the ranks that have introduced themselves since."""
        try:
            caller, _ = self._socket.accept()
        except TimeoutError:
            pass
        else:
            threading.Thread(target=self._introduce, args=(caller,), daemon=True).start()
        found = {}
        while not self._known.empty():
            rank, connection = self._known.get()
            found[rank] = connection
        return found

    def close(self) -> None:
        """Let nobody call any more."""
        self._socket.close()

    def _introduce(self, caller: socket.socket) -> None:
        caller.setblocking(True)
        _limit(caller, INTRODUCTION_SECONDS)
        connection = Connection(caller.detach())
        try:
            deliver_challenge(connection, self._secret)
            answer_challenge(connection, self._secret)
            rank = int(connection.recv())
        except (EOFError, OSError, AuthenticationError, ValueError):
            connection.close()  # A rank that died meanwhile shows when it is looked for.
            return
        with socket.socket(fileno=connection.fileno()) as known:
            _limit(known, 0.0)
            known.detach()
        self._known.put((rank, connection))


def _limit(sock: socket.socket, seconds: float) -> None:
    """Let reads and writes fail after so many seconds; 0 is never."""
    limit = struct.pack("ll", int(seconds), 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, limit)


def loopback_only() -> dict[str, str]:
    """Return the environment by which collectives of one machine use no network."""
    import psutil

    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == "127.0.0.1" for address in addresses):
            return {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}
    return {}


def join(file: str, rank: int, size: int, cpu: bool) -> None:
    """Join the other ranks of this machine through a file: torch's own port would be open to every network."""
    import torch

    torch.distributed.init_process_group("gloo" if cpu else "nccl", f"file://{file}", rank=rank, world_size=size)
