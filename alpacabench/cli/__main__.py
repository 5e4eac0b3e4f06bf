"""`python -m alpacabench.cli COMMAND`, the same as `alpacabench COMMAND`."""

import sys

from alpacabench.cli.main import main

sys.exit(main())
