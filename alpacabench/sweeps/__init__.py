"""Sweeps: planned, checked before the first job, resumable, compared at the end."""
