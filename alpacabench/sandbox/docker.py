"""Docker, where a daemon answers: no network, a read-only image, another user, limits by its control group."""

from __future__ import annotations

import shutil
import subprocess

from alpacabench.sandbox.command import Command, Limits

MIB = "m"


class Docker:
    """Runs programs in a container of an image that is present already; none is pulled."""

    name = "Docker"

    def __init__(self, image: str) -> None:
        self.image = image

    def refusal(self) -> str | None:
        """Return why it cannot be used here; None where the daemon has the image."""
        if not shutil.which("docker"):
            return "docker is not installed"
        try:
            done = subprocess.run(
                ["docker", "image", "inspect", self.image], capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return None if done.returncode == 0 else done.stderr.strip().rpartition("\n")[2] or "the daemon does not answer"

    def command(self, program: str, limits: Limits, name: str) -> Command:
        """Return the command; the program comes by standard input."""
        arguments = [
            "docker", "run", "--rm", "--interactive", "--pull", "never", "--name", _container(name),
            "--network", "none", "--read-only", "--user", "65534:65534", "--cap-drop", "ALL",
            "--security-opt", "no-new-privileges", "--memory", f"{limits.memory_mb}{MIB}",
            "--memory-swap", f"{limits.memory_mb}{MIB}", "--pids-limit", str(limits.processes), "--cpus", "1",
            "--tmpfs", f"/tmp:rw,size={limits.files_mb}{MIB},mode=1777", "--workdir", "/tmp", "--env", "HOME=/tmp",
            self.image, "python", "-I", "-B", "-",
        ]  # fmt: skip
        return Command(arguments, standard_input=program.encode("utf-8", "surrogateescape"))

    def end(self, name: str) -> None:
        """Kill the container: it outlives the command that started it."""
        subprocess.run(["docker", "kill", _container(name)], capture_output=True, timeout=20, check=False)


def _container(name: str) -> str:
    return f"alpacabench-{name}"
