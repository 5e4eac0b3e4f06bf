"""A comparison for the terminal: the verdict in words, the figures, and the clearest flips side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from alpacabench.analysis.decision import claim_p, detectable
from alpacabench.analysis.estimate import MISSING, Estimate, decimal, finite, probability
from alpacabench.analysis.sentences.compare import MetricFacts, conclusion
from alpacabench.io.rows import shorten

if TYPE_CHECKING:
    from alpacabench.analysis.compare.comparison import Comparison, Flip
    from alpacabench.scoring.paired import Delta

EXCERPT = 300
"""Characters of an answer that the terminal shows."""


def show(comparison: Comparison, console: Console, flips: int) -> None:
    """Print the comparison with its clearest `flips` flips."""
    base, run = comparison.base, comparison.run
    title = Text.assemble((run.name, "bold"), " against ", (base.name, "bold"), " (the base) on ")
    console.print(title.append(f"{comparison.delta_wr.n_paired} prompts, judge {run.judge}, reference {run.reference}"))
    for key, (before, after) in comparison.differences.items():
        console.print(Text.assemble("  differs: ", (key, "bold"), f" {before or 'unset'} → {after or 'unset'}"))
    for sentence in conclusions(comparison):
        console.print(Text("  " + sentence))
    console.print(_rates(comparison))
    console.print(_pairing(comparison))
    if flips and comparison.flipped:
        console.print(_side_by_side(comparison, flips))
    for note in comparison.notes:
        console.print(Text(f"Note: {note}"))
    if comparison.lc.refused:
        console.print(Text(f"No length_controlled_winrate: {comparison.lc.refused}"))


def conclusions(comparison: Comparison) -> list[str]:
    """Return what is established, in plain words."""
    names, wins = (comparison.run.name, comparison.base.name), "win rate"
    told = [MetricFacts(*names, wins, comparison.delta_wr)]
    if comparison.delta_lc and not comparison.delta_wr.saturated:
        label = "length-controlled win rate" + ("" if not comparison.lc.refused else " (noreg)")
        told.append(MetricFacts(*names, label, comparison.delta_lc))
    return [conclusion(facts) for facts in told]


def _rates(comparison: Comparison) -> Table:
    table = Table(title="Points (95% interval)", title_justify="left")
    table.add_column("")
    rates = [Estimate(r.win_rate, r.win_rate_ci_low, r.win_rate_ci_high) for r in comparison.rates]
    columns = [_column(rates, comparison.delta_wr)]
    table.add_column("Win rate", justify="right")
    if comparison.delta_lc:
        fits = [Estimate(fit.value, fit.ci_low, fit.ci_high) for fit in comparison.lc.fits]
        columns.append(_column(fits, comparison.delta_lc))
        table.add_column("Length-controlled" + (" (noreg)" if comparison.lc.refused else ""), justify="right")
    labels = (Text(comparison.base.name), Text(comparison.run.name), "Difference", "p")
    for label, *cells in zip(labels, *columns, strict=True):
        table.add_row(label, *cells)
    return table


def _column(rates: list[Estimate], delta: Delta) -> tuple[str, ...]:
    difference = Estimate.of_delta(delta)
    return (*(rate.text(2) for rate in rates), difference.text(2, signed=True), probability(claim_p(delta)))


def _pairing(comparison: Comparison) -> Table:
    deltas = [comparison.delta_wr, *([comparison.delta_lc] if comparison.delta_lc else [])]
    flips = comparison.flips
    table = Table(title="The pair", title_justify="left")
    for column in ("", "Win rate", "Length-controlled")[: len(deltas) + 1]:
        table.add_column(column, justify="right" if column else "left")
    rows = {
        "Standard error, paired": [_error(d.standard_error) for d in deltas],
        "Standard error, unpaired": [_error(d.standard_error_unpaired) for d in deltas],
        "Variance reduction": [
            f"{decimal(d.variance_reduction)}×" if finite(d.variance_reduction) else MISSING for d in deltas
        ],
        "Correlation": [decimal(d.rho, 2) for d in deltas],
        "Detectable with 80% power": [decimal(detectable(d), 1) for d in deltas],
        f"Equivalent within {deltas[0].margin:g} points": [
            f"{'yes' if d.equivalent else 'no'} (p {probability(d.equivalence_p)})" for d in deltas
        ],
        "Flips": [f"{decimal(flips.flip_rate * 100)}% of {flips.n_paired}"],
        "  loss to win / win to loss": [f"{flips.n_loss_to_win} / {flips.n_win_to_loss}"],
        "  McNemar, exact p": [probability(flips.mcnemar_p)],
    }
    for label, cells in rows.items():
        table.add_row(label, *cells)
    return table


def _error(value: float) -> str:
    """Return a standard error; a dash where no prompt differs from another: that is no error of 0."""
    return decimal(value, 2) if value > 0 else MISSING


def _side_by_side(comparison: Comparison, flips: int) -> Table:
    shown = comparison.flipped[:flips]
    title = f"The clearest {len(shown)} of {len(comparison.flipped)} flips"
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column("Prompt", ratio=2)
    table.add_column(Text(comparison.base.name), ratio=3)
    table.add_column(Text(comparison.run.name), ratio=3)
    for flip in shown:
        head = Text("▲ won\n" if flip.won else "▼ lost\n", style="green" if flip.won else "red")
        why = Text("\n" + "\n".join(flip.reasons), style="italic")
        prompt = Group(head, Text(shorten(flip.run.instruction, 200)), why)
        table.add_row(prompt, _answer(flip, False), _answer(flip, True))
    return table


def _answer(flip: Flip, of_run: bool) -> Text:
    item = flip.run if of_run else flip.base
    text = "(answer not at hand)" if (answer := item.shown) is None else answer.strip() or "(empty)"
    cut = text if len(text) <= EXCERPT else text[:EXCERPT] + f"… [{len(text)} characters]"
    return Text(f"[{(item.preference - 1) * 100:.0f}%] ", style="bold").append(cut, style="not bold")
