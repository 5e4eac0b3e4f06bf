"""alpacabench: Hydra-configured experiments around AlpacaEval."""

__version__ = "0.1.0"
