"""Write a judge as an annotators_config, so that alpaca_eval itself judges with it.

alpacabench export-judge judge=gpt_4_1 judge.model_name=gpt-4.1-2025-04-14 --to annotators
alpaca_eval evaluate --annotators_config annotators/NAME --model_outputs model_outputs.json
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from alpacabench.core.errors import ConfigError, Problem

CONF = Path(__file__).resolve().parents[2] / "conf"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "overrides", nargs="+", metavar="OVERRIDE", help="as for run.py: judge=NAME judge.KEY=VALUE ..."
    )
    parser.add_argument("--to", default=".", metavar="DIR", help="where to write NAME/configs.yaml (default: here)")
    parser.add_argument("--conf", default=str(CONF), metavar="DIR", help="the configuration directory")


def run(arguments: argparse.Namespace) -> int:
    """Compose the judge, write it and print where; returns 0."""
    from alpacabench.core.component import build, require
    from alpacabench.judge.base import Judge
    from alpacabench.judge.export import export_judge

    problems: list[Problem] = []
    judge = build("judge", _composed(arguments.overrides, arguments.conf), problems)
    require(problems)
    assert isinstance(judge, Judge)
    print(export_judge(judge, Path(arguments.to)))
    return 0


def _composed(overrides: list[str], conf: str) -> dict[str, Any]:
    """Return the judge group's values."""
    from hydra import compose, initialize_config_dir
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(Path(conf).resolve()), version_base="1.3"):
            judge = compose("config", overrides=overrides).judge
            return OmegaConf.to_container(judge, resolve=True, throw_on_missing=True)  # type: ignore[return-value]
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(
            [Problem("judge", str(error).strip(), "`python run.py --help` lists every option")]
        ) from error
