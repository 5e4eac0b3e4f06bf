"""Which weights a model has, where they are, and what identifies them: all without torch or transformers."""
