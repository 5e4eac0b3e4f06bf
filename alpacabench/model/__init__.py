"""Models: what writes the answers."""
