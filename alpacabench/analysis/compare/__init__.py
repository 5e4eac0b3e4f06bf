"""Finished runs side by side: `alpacabench compare A B`. Needs the files of the runs, and no configuration."""
