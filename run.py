"""Run one evaluation, or with -m a sweep: `python run.py --help` lists the groups and every key."""

import sys

import hydra
from omegaconf import DictConfig

from alpacabench.cli import hydra_entry as entry


@hydra.main(version_base="1.3", config_path="conf", config_name="config")  # type: ignore[untyped-decorator]
def main(cfg: DictConfig) -> float | None:
    """Evaluate one job; returns the metric that `objective` names."""
    from alpacabench.cli.hydra_job import run

    return run(cfg)


if __name__ == "__main__":
    sys.exit(entry.run(main))
