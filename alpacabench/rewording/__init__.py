"""Prompts that a model rewords: asks models for the variants that a perturbation shows."""
