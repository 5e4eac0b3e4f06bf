"""Checks on answers: beside the win rate, and never a part of it. One check is one module and one YAML."""
