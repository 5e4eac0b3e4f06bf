"""Release or block a run by a paired one-sided test against a base.

    alpacabench gate outputs/runs/NEW --base outputs/runs/OLD --margin 2 --alpha 0.05 --markdown summary.md

Verdicts, with their exit codes:

    release     0   shown to be not worse than the base by the margin or more (non-inferior)
    undecided   0   neither shown; 4 with --strict
    block       3   shown to be worse than the base by more than the margin

1 and 2 are errors, as everywhere: no verdict. Under no change at most a share alpha of gates block, whatever the number
of prompts: a block needs the exact sign-flip test of no change as well as the t test of the margin (for the
length-controlled win rate the sign flips are approximate, because its weights are refitted). A release is judged with
one lost prompt added, because a t test believes in too small an error where few prompts changed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alpacabench.compare.command import RUN_HELP, add_file_arguments, read_pair
from alpacabench.errors import ConfigError, DataError, Problem
from alpacabench.report.estimate import Estimate, decimal, p_value

if TYPE_CHECKING:
    from alpacabench.compare.comparison import Comparison
    from alpacabench.scoring.arrays import Floats

Verdict = Literal["release", "undecided", "block"]
EXIT_CODES: dict[Verdict, int] = {"release": 0, "undecided": 0, "block": 3}
STRICT_UNDECIDED = 4
METRICS = ("win_rate", "length_controlled_winrate")
DRAWS = 9_999
"""Sign flips: the smallest p value is 1 / 10,000."""
WORST = -100.0
"""A lost prompt that is added before a release: a few prompts without any loss do not show that there is none."""
WORDS: dict[Verdict, str] = {
    "release": "Release: the run is shown not to be {loss} than the base.",
    "undecided": "Undecided: the run is neither shown to be {loss} than the base, nor shown not to be.",
    "block": "Block: the run is shown to be {loss} than the base.",
}


@dataclass(frozen=True)
class Decision:
    """A verdict and what it rests on; points are percentage points of the metric."""

    verdict: Verdict
    margin: float
    alpha: float
    estimate: float
    """Run minus base."""
    standard_error: float
    low: float
    high: float
    """Ends of the one-sided 1 - alpha bounds: at least `low`, at most `high`."""
    p_worse: float
    """Of no loss beyond the margin: small where the run is worse."""
    p_not_worse: float
    """Of a loss of the margin or more: small where the run is not inferior."""
    n: int

    @property
    def loss(self) -> str:
        """What the run must not be: 'worse', or '2 points worse'."""
        return f"{self.margin:g} points worse" if self.margin else "worse"

    def sentence(self) -> str:
        """Return the verdict in words."""
        return WORDS[self.verdict].format(loss=self.loss)


def decide(differences: Floats, margin: float, alpha: float, seed: int = 0, draws: int = DRAWS) -> Decision:
    """Decide from the paired differences, run minus base, in points; one per prompt.

    Raises:
        DataError: fewer than two prompts.
    """
    import numpy as np
    from scipy.special import stdtr, stdtrit

    from alpacabench.scoring.arrays import standard_error

    n = len(differences)
    if n < 2:
        raise DataError(f"gate: {n} prompts have a verdict in both runs; two are the least")
    values = np.sort(differences)
    estimate, error = float(np.mean(values)), standard_error(values)
    beyond = float(stdtr(n - 1, (estimate + margin) / error)) if error > 0 else float(estimate >= -margin)
    p_worse = max(beyond, sign_flip_p(values, draws, seed))
    padded = np.append(values, WORST)
    cautious, cautious_error = float(np.mean(padded)), standard_error(padded)
    p_not_worse = float(stdtr(n, -(cautious + margin) / cautious_error))
    verdict: Verdict = "block" if p_worse <= alpha else "release" if p_not_worse <= alpha else "undecided"
    low = cautious - float(stdtrit(n, 1 - alpha)) * cautious_error
    high = estimate + float(stdtrit(n - 1, 1 - alpha)) * error
    return Decision(verdict, margin, alpha, estimate, error, low, high, p_worse, p_not_worse, n)


def sign_flip_p(differences: Floats, draws: int, seed: int) -> float:
    """Return the one-sided p-value of no change: how often random signs give a mean this low. Valid for every n."""
    import numpy as np

    moved = differences[differences != 0]
    signs = np.random.default_rng(seed).integers(0, 2, size=(draws, len(moved)), dtype=np.int8)
    sums = 2 * (signs @ moved) - moved.sum()
    # The tolerance keeps equal sums equal, whatever the order of the additions.
    return float((1 + np.sum(sums <= differences.sum() + 1e-9)) / (1 + draws))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("run", help=f"what is to be released: {RUN_HELP}")
    parser.add_argument("--base", required=True, help="what it is compared with")
    parser.add_argument("--margin", type=float, default=0.0, help="loss in points that is tolerated (default 0)")
    parser.add_argument(
        "--alpha", type=float, default=0.05, help="share of false alarms that is tolerated (default 0.05)"
    )
    parser.add_argument("--metric", choices=METRICS, default="win_rate", help="what is tested (default win_rate)")
    parser.add_argument("--strict", action="store_true", help=f"exit with {STRICT_UNDECIDED} where it is undecided")
    parser.add_argument("--markdown", metavar="FILE", help="append a short summary, for a pull request")
    parser.add_argument("--json", action="store_true", help="print the decision as JSON")
    add_file_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Decide, print and return the verdict's exit code."""
    _check(arguments.margin, arguments.alpha)
    from alpacabench.compare.comparison import compare
    from alpacabench.compare.difficulty import read_difficulties

    base, candidate = read_pair(arguments, arguments.base, arguments.run)
    comparison = compare(base, candidate, read_difficulties(arguments.lc_data, arguments.dataset, [base, candidate]))
    decision = decide(_differences(comparison, arguments.metric), arguments.margin, arguments.alpha)
    summary = markdown(decision, comparison, arguments.metric)
    if arguments.markdown:
        path = Path(arguments.markdown)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(summary)
    print(json.dumps(asdict(decision), indent=2) if arguments.json else summary, end="\n" if arguments.json else "")
    if arguments.strict and decision.verdict == "undecided":
        return STRICT_UNDECIDED
    return EXIT_CODES[decision.verdict]


def markdown(decision: Decision, comparison: Comparison, metric: str) -> str:
    """Return the summary of a decision for a pull request."""
    flips = comparison.flips
    before, after = (Estimate(r.win_rate, r.win_rate_ci_low, r.win_rate_ci_high).text(2) for r in comparison.rates)
    difference = f"{decimal(decision.estimate, 2, True)} ± {decimal(decision.standard_error, 2)}"
    bound = f"at least {decimal(decision.low, 2, True)}, at most {decimal(decision.high, 2, True)}"
    rows = {
        f"Win rate in % (95% interval), {comparison.base.name} (base)": before,
        f"Win rate in % (95% interval), {comparison.run.name}": after,
        "Judge, reference": f"{comparison.run.judge}, {comparison.run.reference}",
        f"Difference in {metric}, points ± standard error": difference,
        f"One-sided {1 - decision.alpha:.0%} bounds": bound,
        f"Shown to be {decision.loss}?": _shown(decision.p_worse, decision.alpha),
        f"Shown not to be {decision.loss}?": _shown(decision.p_not_worse, decision.alpha),
        "Prompts, flips won / lost": f"{decision.n}, {flips.n_loss_to_win} / {flips.n_win_to_loss}",
    }
    lines = [
        f"### {decision.sentence()}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in rows.items()),
    ]
    test = f"Paired one-sided test: margin {decision.margin:g} points, alpha {decision.alpha:g}."
    return "\n".join([*lines, "", test, ""])


def _shown(p: float, alpha: float) -> str:
    """Return 'yes (p < 0.001)'."""
    return f"{'yes' if p <= alpha else 'no'} ({p_value(p)})"


def _differences(comparison: Comparison, metric: str) -> Floats:
    import numpy as np

    if metric == "win_rate":
        return np.array([(after.preference - before.preference) * 100 for before, after in comparison.scored])
    if comparison.delta_lc is None or comparison.lc.metric != metric:
        raise DataError(f"--metric: {metric} is not given: {comparison.lc.refused}")
    # The penalty leaves the influences a mean of their own, which is no part of the estimate.
    influence = comparison.delta_lc.influence
    return comparison.delta_lc.estimate + influence - np.mean(influence)


def _check(margin: float, alpha: float) -> None:
    problems = []
    if not margin >= 0:
        problems.append(Problem("--margin", f"given {margin:g}", "a number of points from 0"))
    if not 0 < alpha <= 0.5:
        problems.append(Problem("--alpha", f"given {alpha:g}", "a share above 0, at most 0.5"))
    if problems:
        raise ConfigError(problems)
