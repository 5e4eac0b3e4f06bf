"""Secrets: found in the environment, hidden in everything that is shown, logged or written."""
