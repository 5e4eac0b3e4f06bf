"""Evaluation as a service: a queue in the store, workers that run its jobs, and the HTTP interface of both."""
