"""Leaderboards: a run's own file, and its place among the rows that alpaca_eval publishes."""

from alpacabench.leaderboard.file import write_leaderboard

__all__ = ["write_leaderboard"]
