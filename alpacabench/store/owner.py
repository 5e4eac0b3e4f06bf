"""Who owns a claim: a process, told apart from any other one on any host, in any container, at any time."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path

PROC = Path("/proc")


def new_owner() -> str:
    """Return `host/place:pid:start:token`; the token tells apart two stores that one process has open."""
    return f"{_place()}:{os.getpid()}:{_started(os.getpid())}:{secrets.token_hex(4)}"


def owner_of(pid: int) -> str:
    """Return the name of another process of this host."""
    return f"{_place()}:{pid}:{_started(pid)}:{secrets.token_hex(4)}"


def end_process(owner: str) -> None:
    """Kill a process of this host with its group, where it still lives; one of another host cannot be reached."""
    parts = owner.rsplit(":", 3)
    if len(parts) == 4 and of_this_host(owner) and _lives(int(parts[1]), parts[2]):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(int(parts[1]), signal.SIGKILL)


def of_this_host(owner: str) -> bool:
    """Return whether the owner is, or was, a process whose number means the same here: of this host and container."""
    return owner.rsplit(":", 3)[0] == _place()


def surely_dead(owner: str) -> bool:
    """Return whether the owner was a process of this host that is gone (of another place, one cannot know)."""
    parts = owner.rsplit(":", 3)
    return len(parts) == 4 and of_this_host(owner) and not _lives(int(parts[1]), parts[2])


@cache
def _place() -> str:
    """Return where process numbers mean what they mean here.

    A host's name is not enough: containers have names of their own or share one, and each counts its processes anew. On
    Linux the boot and the namespace of the process numbers tell them apart; where /proc shows another namespace than
    ours, nobody's number can be looked up, and the place is nobody else's.
    """
    host = socket.gethostname()[:128]
    if not PROC.is_dir():
        return f"{host}/"
    try:
        if os.readlink(PROC / "self") != str(os.getpid()):
            return f"{host}/{secrets.token_hex(8)}"
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip().replace("-", "")
        return f"{host}/{boot}.{(PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return f"{host}/{secrets.token_hex(8)}"


def _lives(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # It exists, and is another user's.
    seen = _started(pid)
    return seen is None or seen == started


def _started(pid: int) -> str | None:
    """Return when a process started, by a clock that nobody sets; '' for a zombie, None where it is not to be seen."""
    if not PROC.is_dir():
        return _started_elsewhere(pid)
    try:
        # The name in brackets may hold anything; the state follows it, and 19 fields later the ticks since the boot.
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None


def _started_elsewhere(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(int(process.create_time()))
    except psutil.Error:
        return None
