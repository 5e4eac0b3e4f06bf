"""Checks on answers: what is looked for beside the win rate, and never a part of it. One check, one module, one YAML."""
