"""Prompt perturbations: one family per module, each a pure function of (text, strength, seed, item id)."""
