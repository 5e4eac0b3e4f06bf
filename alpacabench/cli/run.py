"""`alpacabench run OVERRIDES`, in a clone `python run.py OVERRIDES`: one evaluation, or with -m a sweep."""

from __future__ import annotations

from omegaconf import DictConfig


def job(cfg: DictConfig) -> float | None:
    """Evaluate one job; returns the metric that `objective` names."""
    from alpacabench.cli.hydra_job import run

    return run(cfg)


def main() -> int:
    """Run what the command line says; returns the exit code."""
    import gc

    import hydra

    from alpacabench.cli import hydra_entry as entry
    from alpacabench.cli.hydra_versions import main_arguments
    from alpacabench.core.conf import conf

    # Rows, texts and configurations live as long as the command: to look through them as often as Python does by
    # default finds nothing and takes a tenth of the time.
    gc.set_threshold(50_000, 20, 100)
    return entry.run(hydra.main(config_path=str(conf()), config_name="config", **main_arguments())(job))
