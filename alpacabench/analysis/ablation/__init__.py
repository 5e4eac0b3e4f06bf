"""Ablations: what a change of wording does beyond decoding again, from a sweep over `variant` or from finished runs."""
