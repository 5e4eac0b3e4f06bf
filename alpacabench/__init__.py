"""alpacabench: Hydra-configured experiments around AlpacaEval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alpacabench.core.version import __version__

if TYPE_CHECKING:
    from alpacabench.api import compare, evaluate, load_run, sweep
    from alpacabench.checks.base import Check
    from alpacabench.core.records import Finding
    from alpacabench.judge.base import Judge
    from alpacabench.scoring.metric import Metric
    from alpacabench.tools.base import Tool, ToolError

__all__ = [
    "Check",
    "Finding",
    "Judge",
    "Metric",
    "Tool",
    "ToolError",
    "__version__",
    "compare",
    "evaluate",
    "load_run",
    "sweep",
]

_PLACES = {
    **{name: "alpacabench.api" for name in ("compare", "evaluate", "load_run", "sweep")},
    "Check": "alpacabench.checks.base",
    "Finding": "alpacabench.core.records",
    "Judge": "alpacabench.judge.base",
    "Metric": "alpacabench.scoring.metric",
    "Tool": "alpacabench.tools.base",
    "ToolError": "alpacabench.tools.base",
}
"""Where what the package offers is: imported when it is first used, so that `import alpacabench` is light."""


def __getattr__(name: str) -> Any:
    """Import what the package offers."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """Return what the package offers, for completion."""
    return __all__
