"""bubblewrap: no network, no file of the host but the system's programs and Python, no other process.

As root the program runs as a user of its own, since no limit on processes binds root (`prlimit --nproc` counts by user,
and leaves root out). A user who is not root is put into a user namespace.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

from alpacabench.sandbox.command import Command, Limits

NOBODY_FROM, NOBODIES = 61_184, 4_000
"""Users without a name or a file: the range that systemd gives to services for the time that they run."""
TOOLS = ("bwrap", "setpriv", "prlimit")
PROGRAM = "/program.py"
MIB = 1024 * 1024


class Bubblewrap:
    """Runs programs under bubblewrap."""

    name = "bubblewrap"

    def refusal(self) -> str | None:
        """Return why it cannot be used here; None where a trial program ran."""
        for tool in TOOLS:
            if not shutil.which(tool):
                return f"{tool} is not installed"
        command = self.command("print('ready')", Limits(), "trial")
        try:
            done = subprocess.run(command.arguments, pass_fds=command.descriptors, capture_output=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        finally:
            for descriptor in command.descriptors:
                os.close(descriptor)
        if done.stdout.strip() != b"ready":
            return done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        return None

    def command(self, program: str, limits: Limits, name: str) -> Command:
        """Return the bubblewrap command; the program travels in an anonymous file."""
        descriptor = os.memfd_create("program")
        os.write(descriptor, program.encode("utf-8", "surrogateescape"))
        os.lseek(descriptor, 0, os.SEEK_SET)
        python, binds = _python()
        arguments = [
            "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
            "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox",
            *_system(), *binds, "--proc", "/proc", "--dev", "/dev",
            "--size", str(limits.files_mb * MIB), "--perms", "1777", "--tmpfs", "/tmp", "--chdir", "/tmp",
            "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp",
            "--setenv", "LANG", "C.UTF-8",
            "--setenv", "OMP_NUM_THREADS", "1", "--setenv", "OPENBLAS_NUM_THREADS", "1",
            "--perms", "0444", "--ro-bind-data", str(descriptor), PROGRAM,
            *_user(name), *_limited(limits), python, "-I", "-B", PROGRAM,
        ]  # fmt: skip
        return Command(arguments, (descriptor,))

    def end(self, name: str) -> None:
        """Leave nothing to do: the namespace's first process dies with the command, and all others with it."""


def _system() -> list[str]:
    """Return the binds of the system's programs and libraries."""
    binds = ["--ro-bind", "/usr", "/usr"]
    for folder in ("bin", "sbin", "lib", "lib64"):
        path = Path("/") / folder
        if path.is_symlink():
            binds += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            binds += ["--ro-bind", str(path), str(path)]
    return binds


def _python() -> tuple[str, list[str]]:
    """Return the interpreter inside the sandbox and its binds: the standard library, and no installed package."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix).resolve()
    if base == Path("/usr"):
        return f"/usr/bin/{name}", []
    hidden = base / "lib" / name / "site-packages"
    hide = ["--tmpfs", f"/python/lib/{name}/site-packages"] if hidden.is_dir() else []
    return f"/python/bin/{name}", ["--ro-bind", str(base), "/python", *hide]


def _user(name: str) -> list[str]:
    """Return what makes the program another user's."""
    if os.geteuid() != 0:
        return ["--unshare-user", "--uid", "65534", "--gid", "65534", "--"]
    # A user for each program that runs: its processes are counted alone.
    user = str(NOBODY_FROM + int(hashlib.sha256(name.encode()).hexdigest(), 16) % NOBODIES)
    return [
        "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--",
        "/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs", "--bounding-set=-all",
        "--",
    ]  # fmt: skip


def _limited(limits: Limits) -> list[str]:
    # Not root: the limit counts all processes of this user on the machine, so those that run already come on top.
    running = 0 if os.geteuid() == 0 else _processes_of(os.getuid())
    return [
        "/usr/bin/prlimit", f"--nproc={limits.processes + running}", f"--as={limits.memory_mb * MIB}",
        f"--cpu={math.ceil(limits.seconds)}", f"--fsize={limits.files_mb * MIB}", "--core=0", "--nofile=64", "--",
    ]  # fmt: skip


def _processes_of(user: int) -> int:
    import psutil

    return sum(p.info["num_threads"] or 1 for p in psutil.process_iter(["uids", "num_threads"])
               if p.info["uids"] and p.info["uids"].real == user)  # fmt: skip
