"""Evaluations of the checkpoints of a training run, each in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alpacabench.training.evaluation import evaluate_checkpoint

if TYPE_CHECKING:
    from alpacabench.training.callback import AlpacaEvalCallback

__all__ = ["AlpacaEvalCallback", "evaluate_checkpoint"]


def __getattr__(name: str) -> Any:
    """Return the callback: it needs transformers, which the function does not."""
    if name != "AlpacaEvalCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from alpacabench.training.callback import AlpacaEvalCallback

    return AlpacaEvalCallback
