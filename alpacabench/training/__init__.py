"""Evaluations of the checkpoints of a training run, each in a process of its own."""

from alpacabench.training.callback import AlpacaEvalCallback
from alpacabench.training.evaluation import evaluate_checkpoint

__all__ = ["AlpacaEvalCallback", "evaluate_checkpoint"]
