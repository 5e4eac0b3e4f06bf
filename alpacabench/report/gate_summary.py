"""A decision as Markdown, for a pull request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from alpacabench.analysis.checked_answers import Kept
from alpacabench.analysis.estimate import Estimate, decimal, p_value
from alpacabench.analysis.gate.decision import Decision
from alpacabench.analysis.gate.evidence import Evidence
from alpacabench.analysis.gate.series import Place
from alpacabench.analysis.sentences import gate

LITERAL = str.maketrans(
    {character: f"&#{ord(character)};" for character in "&<>|`*[]\\"}
    # A platform looks for mentions and issue numbers after it has read the entities: only a zero-width space helps.
    | {"@": "@\u200b", "#": "#\u200b"}
)
"""What would be read as a table, HTML, a link, a mention of a person or a reference to an issue."""


def figures(
    decision: Decision, evidence: Evidence, limits: Sequence[Kept] = (), shown: Callable[[str], str] = str
) -> dict[str, str]:
    """Return the figures of a decision by name; `shown` writes the names of runs, judges and checks."""
    flips, missing = evidence.comparison.flips, evidence.missing()
    base, run = shown(evidence.base.name), shown(evidence.run.name)
    before, after = (Estimate(r.win_rate, r.win_rate_ci_low, r.win_rate_ci_high).text(2) for r in evidence.rates())
    # Few prompts that all differ alike have no spread, and still no error of 0.
    error = f" ± {decimal(decision.standard_error, 2)}" if decision.standard_error > 0 else ""
    difference = decimal(decision.estimate, 2, True) + error
    bound = f"at least {decimal(decision.low, 2, True)}, at most {decimal(decision.high, 2, True)}"
    return {
        f"Win rate in % (95% interval), {base} (base)": before,
        f"Win rate in % (95% interval), {run}": after,
        "Judge, reference": f"{shown(evidence.run.judge)}, {shown(evidence.run.reference)}",
        f"Difference in {evidence.metric}, points ± standard error": difference,
        f"One-sided {1 - decision.alpha:.0%} bounds": bound,
        f"Shown to be {decision.loss}?": _shown(decision.p_worse, decision.alpha),
        f"Shown not to be {decision.loss}?": _shown(decision.p_not_worse, decision.alpha),
        "Prompts, flips won / lost": f"{decision.n}, {flips.n_loss_to_win} / {flips.n_win_to_loss}",
        "Prompts without a verdict, base / run": f"{missing['base']} / {missing['run']} of {missing['prompts']}",
    } | {
        f"Violations of {shown(limit.check)} in % (95% interval), at most {limit.most:g}": _rate(limit)
        for limit in limits
    }


def markdown(decision: Decision, evidence: Evidence, place: Place | None = None, limits: Sequence[Kept] = ()) -> str:
    """Return the summary of a decision, of its place in a series, and of the checks that have a limit."""
    rows = figures(decision, evidence, limits, literal)
    table = ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())]
    test = f"Paired one-sided test: margin {decision.margin:g} points, alpha {decision.alpha:g}."
    found = [*([gate.place(place)] if place else []), *evidence.notes()]
    notes = [line for note in found for line in ("", f"Note: {literal(note)}")]
    return "\n".join([*_headings(decision, limits), "", *table, "", test, *notes, ""])


def _headings(decision: Decision, limits: Sequence[Kept]) -> list[str]:
    """Return the verdict, led by each limit that keeps the run from its release."""
    broken = [limit for limit in limits if limit.verdict != "release"]
    broken.sort(key=lambda limit: limit.verdict != "block")
    words = [f"### {limit.verdict.capitalize()}: {literal(gate.limit(limit))}." for limit in broken]
    told = gate.verdict(decision)
    return [*words, *(["", f"Against the base: {told}"] if words else [f"### {told}"])]


def _rate(limit: Kept) -> str:
    lacking = f", {limit.unknown} more could not be checked" if limit.unknown else ""
    return f"{Estimate(limit.rate, limit.low, limit.high).text(2)} of {limit.n} prompts{lacking}"


def literal(text: str) -> str:
    """Return the text on one line, so that Markdown shows it as it is."""
    return " ".join(text.split()).translate(LITERAL)


def _shown(p: float, alpha: float) -> str:
    """Return 'yes (p < 0.001)'."""
    return f"{'yes' if p <= alpha else 'no'} ({p_value(p)})"
