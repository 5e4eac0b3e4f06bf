"""Who owns a claim: a process, told apart from a later process with the same number."""

from __future__ import annotations

import os
import secrets
import socket


def new_owner() -> str:
    """Return `host:pid:start time:token`; the token tells apart two stores that one process has open."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}:{secrets.token_hex(4)}"


def of_this_host(owner: str) -> bool:
    """Return whether the owner is, or was, a process of this host."""
    return owner.rsplit(":", 3)[0] == socket.gethostname()


def surely_dead(owner: str) -> bool:
    """Return whether the owner was a process of this host that is gone (of another host, one cannot know)."""
    _host, pid, started, _token = owner.rsplit(":", 3)
    return of_this_host(owner) and _started(int(pid)) != started


def _started(pid: int) -> str:
    """Return the start time of a process in whole seconds, or '' where there is no such process."""
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(int(process.create_time()))
    except psutil.Error:
        return ""
