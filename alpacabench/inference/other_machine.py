"""Run this machine's share of the worker processes of an experiment that another machine runs.

    ALPACABENCH_WORKER_SECRET=<hex> python -m alpacabench.inference.other_machine --num_machines 2 --machine_rank 1 \
        --num_processes 4 --main_process_ip 10.0.0.1 --main_process_port 29500

The main machine runs `python run.py sharding=data_parallel sharding.num_machines=2 ...` with the same values and
secret. The options are those of `accelerate launch`. This ends when the experiment ends.
"""

from __future__ import annotations

import argparse
import os
import sys

from alpacabench.inference.group import Ranks
from alpacabench.inference.rank import SECRET
from alpacabench.inference.spec import Plan


def main() -> int:
    """Start the ranks and wait for them; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("num_machines", "machine_rank", "num_processes", "main_process_port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--main_process_ip", required=True)
    values = parser.parse_args()
    secret = os.environ.get(SECRET)
    if not secret:
        sys.exit(f"set {SECRET} to the secret of the main machine (any hexadecimal string)")
    plan = Plan(
        "data_parallel", values.num_processes, values.num_machines, values.main_process_ip, values.main_process_port
    )
    first = values.machine_rank * (values.num_processes // values.num_machines)
    parent = f"{values.main_process_ip}:{values.main_process_port + 1}"
    ranks = Ranks(plan, first, parent, secret, values.main_process_port)
    try:
        codes = [process.wait() for process in ranks.processes]
        for local, code in enumerate(codes):
            if code:
                print(
                    f"worker {first + local} ended with exit code {code}:\n{ranks.last_lines(local)}", file=sys.stderr
                )
        return int(any(codes))
    finally:
        ranks.stop()


if __name__ == "__main__":
    sys.exit(main())
