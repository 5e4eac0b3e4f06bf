"""What the user typed to start, for messages that name a command."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> str:
    """Return `python run.py` in a clone, else `alpacabench run`."""
    return "python run.py" if Path(sys.argv[0]).name == "run.py" else "alpacabench run"
