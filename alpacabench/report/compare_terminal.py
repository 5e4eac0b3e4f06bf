"""A comparison for the terminal: the verdict in words, the figures, and the clearest flips side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from alpacabench.analysis.decision import claim_p, differs
from alpacabench.analysis.estimate import Estimate, decimal, p_value, probability
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
    if comparison.delta_wr.saturated:
        return ["Nothing can be concluded: every verdict of both is the same."]
    name, base = comparison.run.name, comparison.base.name
    sentences = [_conclusion(name, base, "win rate", comparison.delta_wr)]
    if comparison.delta_lc:
        label = "length-controlled win rate" + ("" if not comparison.lc.refused else " (noreg)")
        sentences.append(_conclusion(name, base, label, comparison.delta_lc))
    return sentences


def _conclusion(name: str, base: str, metric: str, delta: Delta) -> str:
    interval = f"95% interval {Estimate.of_delta(delta).range(2, signed=True)}"
    if differs(claim_p(delta)):
        way = "higher" if delta.estimate > 0 else "lower"
        size = f"{decimal(abs(delta.estimate), 2)} points {way} than {base}'s"
        return f"The {metric} of {name} is {size} ({interval}, {p_value(delta.p_value)})."
    found = f"No difference in {metric} is established: {decimal(delta.estimate, 2, True)} points "
    found += f"({interval}, {p_value(delta.p_value)})"
    if delta.equivalent:
        return f"{found}; the two are equivalent within {delta.margin:g} points."
    return f"{found}; this pair would show {decimal(delta.mde_80, 1)} points or more with 80% power."


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
    return (*(rate.text(2) for rate in rates), difference.text(2, signed=True), probability(delta.p_value))


def _pairing(comparison: Comparison) -> Table:
    deltas = [comparison.delta_wr, *([comparison.delta_lc] if comparison.delta_lc else [])]
    flips = comparison.flips
    table = Table(title="The pair", title_justify="left")
    for column in ("", "Win rate", "Length-controlled")[: len(deltas) + 1]:
        table.add_column(column, justify="right" if column else "left")
    rows = {
        "Standard error, paired": [decimal(d.standard_error, 2) for d in deltas],
        "Standard error, unpaired": [decimal(d.standard_error_unpaired, 2) for d in deltas],
        "Variance reduction": [decimal(d.variance_reduction, 1) + "×" for d in deltas],
        "Correlation": [decimal(d.rho, 2) for d in deltas],
        "Detectable with 80% power": [decimal(d.mde_80, 1) for d in deltas],
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
    text = "(answer not at hand)" if item.output is None else item.output.strip() or "(empty)"
    cut = text if len(text) <= EXCERPT else text[:EXCERPT] + f"… [{len(text)} characters]"
    return Text(f"[{(item.preference - 1) * 100:.0f}%] ", style="bold").append(cut, style="not bold")
