"""How many prompts a difference needs, before anything is spent.

    alpacabench plan-power outputs/runs/A outputs/runs/B --difference 5 --comparisons 11

The spread of the paired difference over prompts is that of the given runs, of every pair that can be compared; without
runs it is a typical one. Comparisons are those that are made together: a sweep of 12 jobs compares 11 with its base.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from alpacabench.analysis.decision import ALPHA, POWER
from alpacabench.analysis.power import DIFFERENCE, Spread, spread_of
from alpacabench.cli.compare import RUN_HELP
from alpacabench.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from alpacabench.analysis.sentences.power import PowerFacts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help=RUN_HELP)
    parser.add_argument("--difference", type=float, default=DIFFERENCE, help="in points (default %(default)g)")
    parser.add_argument("--comparisons", type=int, default=1, help="tests made together (default 1)")
    parser.add_argument("--prompts", type=int, metavar="N", help="also say what so many prompts find")
    parser.add_argument("--power", type=float, default=POWER, help="chance to find it (default %(default)s)")
    parser.add_argument("--alpha", type=float, default=ALPHA, help="error probability of all tests together")
    parser.add_argument("--spread", type=float, help="standard deviation of the difference, in points, if it is known")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow runs are")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print how many prompts are needed; returns 0."""
    if problems := list(_problems(arguments)):
        raise ConfigError(problems)
    from alpacabench.analysis.finished_run import read_run
    from alpacabench.analysis.sentences.power import PowerFacts, findings
    from alpacabench.scoring.power import Claim

    runs = [read_run(given, tracking_uri=arguments.tracking_uri) for given in arguments.runs]
    spread = Spread((arguments.spread,)) if arguments.spread else spread_of(runs)
    claim = Claim(arguments.comparisons, arguments.power, arguments.alpha)
    facts = PowerFacts(spread, arguments.difference, claim, arguments.prompts)
    print(json.dumps(_json(facts), indent=2) if arguments.json else "\n".join(findings(facts)))
    return 0


def _json(facts: PowerFacts) -> dict[str, object]:
    """Return the figures: of whole verdicts, and of soft ones beside them, where it is not known which they are."""
    spread = facts.spread
    found: dict[str, object] = {"spread": list(spread.values), "n_pairs": spread.n_pairs, "whole": spread.whole}
    kinds = {"": spread.whole} if spread.whole is not None else {"": 1.0, "_soft": 0.0}
    for suffix, whole in kinds.items():
        found[f"prompts_needed{suffix}"] = facts.needed(whole)
        if facts.n is not None:
            found[f"difference_found{suffix}"] = facts.found(whole)
    return found


def _problems(arguments: argparse.Namespace) -> Iterator[Problem]:
    if not 0 < arguments.difference < 100:
        yield Problem("--difference", f"given {arguments.difference:g}", "a number of points above 0, below 100")
    if arguments.comparisons < 1:
        yield Problem("--comparisons", f"given {arguments.comparisons}", "1 or more")
    if arguments.prompts is not None and arguments.prompts < 2:
        yield Problem("--prompts", f"given {arguments.prompts}", "2 or more")
    for name in ("power", "alpha"):
        if not 0 < (value := getattr(arguments, name)) < 1:
            yield Problem(f"--{name}", f"given {value:g}", "a share above 0, below 1")
    if arguments.spread is not None and not 0 < arguments.spread <= 100:
        yield Problem("--spread", f"given {arguments.spread:g}", "points above 0, at most 100")
