"""Run one evaluation, or with -m a sweep: `python run.py --help` lists the groups and every key."""

import sys

from alpacabench.cli.run import main

if __name__ == "__main__":
    sys.exit(main())
