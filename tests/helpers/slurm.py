"""Slurm on this machine, one node, from Debian's `slurm-wlm` and `munge`: no accounting, no cgroups."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

NEEDED = ("slurmctld", "slurmd", "sbatch", "srun", "munged", "mungekey", "runuser")
UP_SECONDS = 60.0

CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={controller}
SlurmdPort={node}
AuthInfo=socket={home}/munge/socket
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=tests Nodes=ALL Default=YES State=UP
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def slurm(cpus: int = 4) -> Iterator[dict[str, str]]:
    """Run the cluster; yield the environment variables that its commands need."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing or os.getuid() != 0:
        pytest.skip(f"needs root and Debian's slurm-wlm and munge; missing: {', '.join(missing) or 'root'}")
    home = Path(tempfile.mkdtemp())
    home.chmod(0o755)
    names = {"host": socket.gethostname().partition(".")[0], "controller": free_port(), "node": free_port()}
    (home / "slurm.conf").write_text(CONF.format(home=home, cpus=cpus, **names))
    settings = {"SLURM_CONF": str(home / "slurm.conf")}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        _start(stack, home, _munged(home), settings)
        _wait(lambda: (home / "munge" / "socket").exists(), home)
        for daemon in ("slurmctld", "slurmd"):
            _start(stack, home, [daemon, "-D"], settings)
        _wait(lambda: "idle" in _states(settings), home)
        yield settings


def _munged(home: Path) -> list[str]:
    """Return the command of the daemon that vouches for who asks; it runs as its own user."""
    folder = home / "munge"
    folder.mkdir()
    shutil.chown(folder, "munge", "munge")
    as_munge = ["runuser", "-u", "munge", "--"]
    subprocess.run([*as_munge, "mungekey", "--create", f"--keyfile={folder}/key"], check=True)
    files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    return [*as_munge, "munged", "--foreground", *(f"--{option}={folder}/{name}" for option, name in files.items())]


def _start(stack: ExitStack, home: Path, command: list[str], settings: dict[str, str]) -> None:
    log = stack.enter_context((home / "log").open("ab"))
    daemon = subprocess.Popen(command, env=os.environ | settings, stdout=log, stderr=log)
    stack.callback(_stop, daemon)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _states(settings: dict[str, str]) -> str:
    asked = ["sinfo", "--noheader", "--format=%T"]
    return subprocess.run(asked, env=os.environ | settings, capture_output=True, text=True, check=False).stdout


def _wait(up: Callable[[], bool], home: Path) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while not up():
        assert time.monotonic() < deadline, (home / "log").read_text()[-3000:]
        time.sleep(0.2)
