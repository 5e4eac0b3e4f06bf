"""Set up the default model's weights: `python -m alpacabench.inference.weights`."""

import sys

from alpacabench.inference.weights.bundled import set_up

if __name__ == "__main__":
    sys.exit(set_up())
