"""The Hydra callback that owns a sweep: check all jobs, open the parent run, and at the end compare and close it.

Of a single run it notes what there was before.
"""

from __future__ import annotations

import atexit
import logging
import sys
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from alpacabench.cli.exit_status import ExitStatus
from alpacabench.cli.footprint import Footprint
from alpacabench.cli.sweep_parent import keep_workers
from alpacabench.core.context import owned
from alpacabench.core.errors import AlpacabenchError
from alpacabench.security.redact import redact

if TYPE_CHECKING:
    from alpacabench.sweeps.sweep import Sweep

log = logging.getLogger(__name__)


class SweepCallback(Callback):  # type: ignore[misc]
    """Named in conf/hydra/callbacks/alpacabench.yaml; copies in the jobs' processes do nothing."""

    def __init__(self) -> None:
        self._sweep: Sweep | None = None

    def __reduce__(self) -> tuple[type[SweepCallback], tuple[()]]:
        """Travel to other processes without the sweep."""
        return SweepCallback, ()

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Note what there is before Hydra makes the directory of a single run."""
        owned(Footprint).before_run(config)

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check every job, and create or continue the parent run.

        Raises:
            SystemExit: a mistake in the configuration (2), or plan=true (0). Hydra turns any other exception of a
                callback into a warning.

        """
        # Imported late: Hydra builds the callback for every command, also for --help.
        from alpacabench.cli.hydra_sweep import read_command
        from alpacabench.cli.optuna_storage import prepare_storage
        from alpacabench.sweeps.sweep import open_sweep

        try:
            # A scheduler's jobs are its own: they outlive the command that submitted them.
            if "joblib" in str(config.hydra.launcher.get("_target_")):
                keep_workers()
            owned(Footprint).before_sweep(config)
            sweep = open_sweep(read_command(config))
        except AlpacabenchError as error:
            owned(Footprint).undo()
            print(redact(str(error)), file=sys.stderr)
            raise SystemExit(error.exit_code) from error
        except Exception:
            # Hydra would turn it into a one-line warning and start the jobs of a sweep that was not opened.
            log.exception("The sweep could not be opened; no job was started")
            raise SystemExit(1) from None
        if sweep is None:
            raise SystemExit(0)
        try:
            prepare_storage(config)
        except AlpacabenchError as error:
            sweep.abandon()
            print(redact(str(error)), file=sys.stderr)
            raise SystemExit(error.exit_code) from error
        self._sweep = sweep
        atexit.register(sweep.abandon)
        try:
            sweep.ask_ahead()
        except Exception as error:
            # Each job asks by itself, and says what is wrong.
            log.warning("The questions could not be asked ahead of the jobs: %s", redact(str(error)))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Compare the jobs, write the sweep's files, and end the parent run."""
        if self._sweep is None:
            return
        atexit.unregister(self._sweep.abandon)
        try:
            owned(ExitStatus).failed_jobs = self._sweep.close()
        except Exception:
            self._sweep.abandon()
            # Hydra would turn it into a one-line warning and exit with 0.
            log.exception("The sweep's end failed; its jobs are finished, and the same command tries again")
            raise SystemExit(1) from None
