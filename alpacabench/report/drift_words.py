"""What became of a judge, in words, for the terminal and the page."""

from __future__ import annotations

from pathlib import Path

from alpacabench.analysis.drift.answer import Answer
from alpacabench.analysis.estimate import decimal, p_value
from alpacabench.analysis.sentences import judges
from alpacabench.report.page import write_page

HISTORY = ("date", "verdict", "shift, points", "p", "missing", "model served", "system_fingerprint")


def facts(answer: Answer) -> dict[str, str]:
    """Return the figures by name."""
    found: dict[str, str] = {}
    if change := answer.change:
        found = {
            "Shift of the win rate, points (95% interval)": change.shift.text(signed=True),
            "Mean distance between then and now, points": decimal(change.distance),
            "Pairs, of which turned": f"{change.n}, {change.n_turned}",
            "No change: p, alpha": f"{p_value(change.p)}, {answer.alpha:g}",
        }
    now = answer.now or answer.baseline
    if now:
        found |= {f"Served {name}": ", ".join(seen) for name, seen in now.served.items() if seen}
    return found | {f"Note {i}": note for i, note in enumerate(answer.notes, 1)}


def write_drift_page(answer: Answer) -> Path | None:
    """Write the page beside the record; None where there is no record yet."""
    if answer.baseline is None:
        return None
    lead = (
        f"The same {len(answer.baseline.verdicts)} pairs, judged again. Verdicts of then and now are exchanged at "
        "random within each pair: a judge that did not change is called changed in at most a share alpha of checks."
    )
    rows = [
        [str(row["date"]), str(row["verdict"]), decimal(row["shift"], 1, True), p_value(row["p"]), str(row["missing"]),
         *(", ".join(row["served"].get(name, {})) for name in ("model", "system_fingerprint"))]
        for row in reversed(answer.checks)
    ]  # fmt: skip
    return write_page(
        answer.path.with_suffix(".html"), "judge.html", kicker="Drift of a judge", title=judges.drift(answer),
        lead=lead, facts=facts(answer), tables=[("Checks so far", HISTORY, rows)], warnings=answer.notes,
    )  # fmt: skip
