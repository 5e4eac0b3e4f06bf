"""Finished runs side by side, and what may be concluded: every decision rule and constant. Nothing is rendered here."""
