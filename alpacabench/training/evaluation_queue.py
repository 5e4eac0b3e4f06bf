"""Evaluations one after another, beside the training: what is saved meanwhile waits in line."""

from __future__ import annotations

import atexit
import logging
import math
import threading
from collections import deque
from collections.abc import Callable

from alpacabench.core.errors import AlpacabenchError
from alpacabench.training.evaluation import Evaluation
from alpacabench.training.held import release

log = logging.getLogger(__name__)


class EvaluationQueue:
    """One thread that runs evaluations in the order in which they came; their checkpoints are held copies."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        """Prepare; `failed` is told why an evaluation has no result, in whatever thread."""
        self._failed = failed
        self._waiting: deque[Evaluation] = deque()
        self._running: Evaluation | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, evaluation: Evaluation) -> None:
        """Add an evaluation."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True, name="alpacabench evaluations")
            self._thread.start()
            # A training that breaks must not leave a process behind, nor wait for it.
            atexit.register(self.stop)
        with self._changed:
            self._waiting.append(evaluation)
            self._changed.notify_all()

    def finish(self, seconds: float) -> None:
        """Wait until all are done; what is not done after `seconds` is stopped and counts as failed."""
        with self._changed:
            if self._changed.wait_for(lambda: not self._waiting and self._running is None, seconds):
                return
        left = ", ".join(self.stop())
        self._failed(f"not evaluated within wait_seconds={seconds:g}: {left}; what was answered is kept in the store")

    def stop(self) -> list[str]:
        """Stop the running evaluation and drop those that wait; return the names of their checkpoints."""
        with self._changed:
            left = ([self._running] if self._running else []) + list(self._waiting)
            self._waiting.clear()
        for evaluation in left:
            evaluation.stop()
            release(evaluation.checkpoint)
        return [evaluation.checkpoint.name for evaluation in left]

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                self._running = evaluation = self._waiting.popleft()
            try:
                rate = evaluation.run().get("win_rate", math.nan)
                log.info("%s: win rate %.2f, %s", evaluation.checkpoint.name, rate, evaluation.directory)
            # Whatever it is: training goes on, and the next evaluation has its turn.
            except Exception as error:
                if not evaluation.stopped:
                    self._failed(str(error) if isinstance(error, AlpacabenchError) else repr(error))
            finally:
                release(evaluation.checkpoint)
                with self._changed:
                    self._running = None
                    self._changed.notify_all()
