"""The numbers: pure functions from arrays to small result records.

No configuration, and no file but the difficulty table. Each module is imported by its own name, so that building a
configuration never imports numpy.
"""
