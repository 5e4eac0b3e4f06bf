"""What an installation may lack: which packages belong to which extra, and the line that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from alpacabench.core.errors import Problem

LOCAL = "local"
"""The extra for models that run on this machine."""
PACKAGES = {
    LOCAL: ("torch", "transformers", "accelerate", "gguf"),
    "deepspeed": ("torch", "transformers", "accelerate", "deepspeed"),
    "anthropic": ("anthropic",),
    "vllm": ("vllm",),
    "serve": ("fastapi", "uvicorn"),
    "quantization": ("bitsandbytes",),
    "peft": ("peft",),
}
"""The modules that an extra brings, by its name in pyproject.toml."""


def missing(where: str, what: str, extra: str) -> Iterator[Problem]:
    """Yield a problem with the line that installs an extra, where a package of it is not installed.

    Args:
        where: the config key that asks for it.
        what: who needs it, as the beginning of a sentence.
        extra: the extra's name in pyproject.toml.

    """
    lacking = [name for name in PACKAGES[extra] if find_spec(name) is None]
    if lacking:
        names = " and ".join(filter(None, [", ".join(lacking[:-1]), lacking[-1]]))
        verb = "is" if len(lacking) == 1 else "are"
        yield Problem(where, f"{what} needs {names}, which {verb} not installed", install_line(extra))


def install_line(extra: str) -> str:
    """Return the command that installs an extra, whatever of it is there already."""
    return f"pip install 'alpacabench[{extra}]'"
