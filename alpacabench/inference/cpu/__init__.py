"""What is only for speed on a CPU: rows in lanes of threads, and a cache in blocks."""
