"""Evaluation as a service: a queue in the store, workers that run its jobs, and the HTTP interface of both."""

TOKEN = "ALPACABENCH_SERVE_TOKEN"
"""Prefix of the environment's variables that hold tokens; no job sees them."""
