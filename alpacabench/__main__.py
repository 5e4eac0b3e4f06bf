"""`python -m alpacabench COMMAND`, the same as `alpacabench COMMAND`."""

import sys

from alpacabench.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
