"""A comparison as its page shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from alpacabench.analysis.compare.answer_kind import answer_kind, prompt_language
from alpacabench.analysis.compare.comparison import Comparison, Flip
from alpacabench.analysis.compare.result import ComparisonPage, FlippedPrompt, SliceDelta
from alpacabench.analysis.decision import detectable
from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import Item
from alpacabench.analysis.sentences import given
from alpacabench.dataset.taxonomy import label, tags

BREAKDOWNS: dict[str, Callable[[Item, Item], Iterable[str]]] = {
    "source": lambda item, _: [item.source] if item.source else [],
    "category": lambda item, _: [item.category or label(item.instruction)],
    "structural tag": lambda item, _: tags(item.instruction),
    "kind of answer": lambda before, after: [_kinds(before, after)],
    "language": lambda item, _: [prompt_language(item.instruction)],
}
"""How the prompts are sliced: name to the slices that a prompt belongs to. Tags overlap, the others add up."""
MIN_SLICE = 2


def page_of(pair: Comparison) -> ComparisonPage:
    """Return what the page of a comparison shows."""
    before, after = pair.rates
    fits = pair.lc.fits
    return ComparisonPage(
        name_a=pair.base.name,
        name_b=pair.run.name,
        judge=pair.run.judge,
        reference=pair.run.reference,
        n=pair.delta_wr.n_paired,
        win_rate_a=Estimate(before.win_rate, before.win_rate_ci_low, before.win_rate_ci_high),
        win_rate_b=Estimate(after.win_rate, after.win_rate_ci_low, after.win_rate_ci_high),
        delta_wr=Estimate.of_delta(pair.delta_wr),
        win_to_loss=pair.flips.n_win_to_loss,
        loss_to_win=pair.flips.n_loss_to_win,
        mcnemar_p=pair.flips.mcnemar_p,
        lc_a=Estimate(fits[0].value, fits[0].ci_low, fits[0].ci_high) if fits else None,
        lc_b=Estimate(fits[1].value, fits[1].ci_low, fits[1].ci_high) if fits else None,
        delta_lc=Estimate.of_delta(pair.delta_lc) if pair.delta_lc else None,
        raw_minus_lc=pair.raw_minus_lc,
        lc_name=pair.lc.metric,
        margin=pair.delta_wr.margin,
        equivalent=pair.delta_wr.equivalent,
        established=pair.established,
        complete=pair.bounds is None,
        detectable=detectable(pair.delta_wr),
        saturated=pair.delta_wr.saturated,
        undecided=pair.delta_wr.undecided_share if not pair.delta_wr.tells and not pair.delta_wr.saturated else None,
        scores=tuple(((a.preference - 1) * 100, (b.preference - 1) * 100) for a, b in pair.scored),
        flips=tuple(_flip(flip) for flip in pair.flipped),
        slices={name: found for name, of in BREAKDOWNS.items() if (found := _slices(pair, of))},
        metrics=pair.metrics(),
        differences=pair.differences,
        about={"A": pair.base.origin, "B": pair.run.origin},
        warnings=(*pair.notes, *given.of_pair(given.Pair(len(pair.base.items), lc_refused=pair.lc.refused or ""))),
    )


def _flip(flip: Flip) -> FlippedPrompt:
    return FlippedPrompt(
        index=flip.base.index,
        instruction=flip.base.instruction,
        reference=flip.base.reference,
        output_a=flip.base.shown,
        output_b=flip.run.shown,
        preference_a=flip.base.preference,
        preference_b=flip.run.preference,
        reasons=flip.reasons,
        source=flip.base.source,
        category=flip.base.category or label(flip.base.instruction),
    )


def _kinds(before: Item, after: Item) -> str:
    """Return what kind both answers are, or what it was and is."""
    old, new = (answer_kind(item.output, item.finish_reason, item.instruction) for item in (before, after))
    return old if old == new else f"{old} → {new}"


def _slices(pair: Comparison, of: Callable[[Item, Item], Iterable[str]]) -> tuple[SliceDelta, ...]:
    """Return the mean difference of each slice with its paired 95% interval, largest slice first."""
    import numpy as np

    groups: dict[str, list[float]] = defaultdict(list)
    for before, after in pair.scored:
        for name in of(before, after):
            groups[name].append((after.preference - before.preference) * 100)
    found = []
    for name, changes in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        if len(changes) >= MIN_SLICE:
            found.append(SliceDelta(name, Estimate.of_differences(np.sort(changes)), len(changes)))
    return tuple(found)
