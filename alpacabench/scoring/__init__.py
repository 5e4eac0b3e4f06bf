"""The numbers: pure functions from arrays to small result records (no configuration, no files but the difficulty table).

Each module is imported by its own name, so that building a configuration never imports numpy.
"""
