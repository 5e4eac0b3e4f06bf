"""alpacabench: Hydra-configured experiments around AlpacaEval."""

from alpacabench.core.version import __version__

__all__ = ["__version__"]
