"""Jobs of a sweep are composed once, and what comes out is what Hydra composes from all files."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from alpacabench.cli.hydra_compositions import Loaders
from alpacabench.cli.hydra_session import _session
from alpacabench.core.context import owned

PLAIN = getattr(ConfigLoaderImpl.load_sweep_config, "__wrapped__", ConfigLoaderImpl.load_sweep_config)
JOBS = [
    list(job)
    for job in product(
        ("model=echo", "model=openai_compatible"),
        ("decoding.seed=1", "decoding.seed=2", "+model.extra=1", "decoding.nonsense=1"),
        ("perturbation=none", "perturbation=typos", "variant=base", "name='a,b'", "~checks"),
    )
]


SWEEP = ["hydra.mode=MULTIRUN", "hydra.sweep.dir=x", "judge=longest", "hydra.sweep.subdir='a/${hydra.job.num}'"]


def _told(load: Callable[..., DictConfig], master: DictConfig, job: list[str]) -> str:
    try:
        config = load(master, job)
    except Exception as error:  # noqa: BLE001 - what Hydra says of a mistake must be the same, too
        return f"{type(error).__name__}: {error}"
    return OmegaConf.to_yaml(config) + str(OmegaConf.is_struct(config))


def test_a_job_is_composed_once_and_as_hydra_does() -> None:
    with _session() as hydra:
        master = hydra.compose_config("config", SWEEP, run_mode=RunMode.MULTIRUN)
        loader = hydra.config_loader
        plain = [_told(lambda m, job: PLAIN(loader, m, job), master, job) for job in JOBS]
        ours = [_told(loader.load_sweep_config, master, job) for job in JOBS]
        again = [_told(loader.load_sweep_config, master, job) for job in JOBS]
        known = owned(Loaders).of(loader)
    assert ours == again == plain
    good = {text for text in plain if "Exception" not in text.splitlines()[0]}
    assert len(good) == len(known.jobs) == 2 * 3 * 4
    assert 1 < len(known.merged) <= 2 * 4


def test_a_job_that_was_handed_out_is_nobody_elses() -> None:
    with _session() as hydra:
        master = hydra.compose_config("config", SWEEP, run_mode=RunMode.MULTIRUN)
        first = hydra.config_loader.load_sweep_config(master, ["model=echo"])
        first.hydra.job.num, first.decoding.seed = 7, 99
        second = hydra.config_loader.load_sweep_config(master, ["model=echo"])
        other = hydra.config_loader.load_sweep_config(master, ["model=echo", "seed=3"])
    assert second.decoding.seed == 0 and other.decoding.seed == 3 and OmegaConf.is_missing(second.hydra.job, "num")
