"""A sweep's worker processes end with the sweep: nobody waits for what they would go on to pay for."""

from __future__ import annotations

import os
import threading
import time
from functools import cache, partial

from alpacabench.store.owner import new_owner, surely_dead

SWEEP = "ALPACABENCH_SWEEP_PROCESS"
"""The environment variable with the name of the process that runs the sweep, for the processes that it starts."""

LOOK_SECONDS = 0.5


def keep_workers() -> None:
    """Let every worker process that joblib starts from here on end as soon as this process is gone."""
    from joblib import register_parallel_backend
    from joblib.parallel import LokyBackend

    os.environ[SWEEP] = new_owner()
    # Not in the jobs: a worker that has none yet would wait minutes for one.
    register_parallel_backend("loky", partial(LokyBackend, initializer=end_with_the_sweep))


@cache
def end_with_the_sweep() -> None:
    """Let this process end as soon as the one that runs the sweep is gone, however that died."""
    sweep = os.environ.get(SWEEP)
    if sweep:
        threading.Thread(target=_watch, args=(sweep,), name="sweep-watch", daemon=True).start()


def _watch(sweep: str) -> None:
    while not surely_dead(sweep):
        time.sleep(LOOK_SECONDS)
    # Not an exception: requests that wait in other threads would be sent first.
    os._exit(1)
