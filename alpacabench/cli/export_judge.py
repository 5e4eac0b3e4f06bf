"""Write a judge as an annotators_config, so that alpaca_eval itself judges with it.

alpacabench export-judge judge=gpt_4_1 judge.model_name=gpt-4.1-2025-04-14 --to annotators
alpaca_eval evaluate --annotators_config annotators/NAME --model_outputs model_outputs.json
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpacabench.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from alpacabench.judge.base import Judge


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("overrides", nargs="+", metavar="OVERRIDE", help="as for a run: judge=NAME judge.KEY=VALUE ...")
    parser.add_argument("--to", default=".", metavar="DIR", help="where to write NAME/configs.yaml (default: here)")
    parser.add_argument("--config-dir", metavar="DIR", help="a directory of options of your own, beside ./conf")


def run(arguments: argparse.Namespace) -> int:
    """Compose the judge, write it and print where; returns 0."""
    from alpacabench.judge.export import export_judge

    print(export_judge(composed_judge(arguments.overrides), Path(arguments.to)))
    return 0


def composed_judge(overrides: list[str]) -> Judge:
    """Return the judge that a run with these overrides would have.

    Raises:
        ConfigError: every mistake in its keys.

    """
    from alpacabench.core.component import build, require
    from alpacabench.judge.base import Judge

    problems: list[Problem] = []
    judge = build("judge", _composed(overrides), problems, kinds=(Judge,))
    require(problems)
    assert isinstance(judge, Judge)
    return judge


def _composed(overrides: list[str]) -> dict[str, Any]:
    """Return the judge group's values."""
    from hydra import compose
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from alpacabench.cli.hydra_options import composing

    try:
        with composing():
            judge = compose("config", overrides=overrides).judge
            return OmegaConf.to_container(judge, resolve=True, throw_on_missing=True)  # type: ignore[return-value]
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(
            [Problem("judge", str(error).strip(), "`alpacabench run --help` lists every option")]
        ) from error
