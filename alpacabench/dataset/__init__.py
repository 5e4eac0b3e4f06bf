"""Data sets: prompts with reference answers."""

from alpacabench.dataset.base import Dataset, RowFile
from alpacabench.dataset.hub import HubFile

__all__ = ["Dataset", "HubFile", "RowFile"]
