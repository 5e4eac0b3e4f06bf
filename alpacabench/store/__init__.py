"""The store: generations and verdicts by content, so that each distinct question is asked once."""
