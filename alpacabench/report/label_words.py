"""People's labels in words, for the terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from alpacabench.analysis.estimate import Estimate
from alpacabench.analysis.finished_run import FinishedRun
from alpacabench.analysis.trust.blinding import shown_first
from alpacabench.analysis.trust.finding import decide
from alpacabench.analysis.trust.judged import by_judge, means
from alpacabench.analysis.trust.label_file import Label, by_item
from alpacabench.analysis.trust.labels import people_findings
from alpacabench.analysis.trust.people import Agreement, among


def counts(labels: Sequence[Label]) -> Iterator[str]:
    """Yield a line for each person: labels, ties and what could not be said."""
    people: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        people[label.labeller].append(label)
    for name, mine in sorted(people.items()):
        ties, silent = (sum(label.preference == value for label in mine) for value in (1.5, None))
        yield f'{name}: {len(mine)} labels, {ties} of them ties, {silent} "cannot say"'


def among_people(found: Agreement) -> Iterator[str]:
    """Yield how far people agree with each other."""
    for (one, two), pair in found.between.items():
        if pair.share is None:
            yield f"  {one} and {two}: no pair that both decided"
            continue
        yield f"  {one} and {two}: the same in {pair.share.percent()} of {pair.n} pairs, kappa {_of(pair.kappa)}"
    if found.between:
        yield f"  Among people Krippendorff's alpha is {_of(found.alpha)}"
    else:
        yield "  One person: how far people agree is not known; a second one labelling the same pairs would tell"


def agreement(run: FinishedRun, labels: Sequence[Label], tracking_uri: str | None = None) -> Iterator[str]:
    """Yield, of a run's pairs, how far people agree with each other, by place, and then with each of its judges."""
    items = list(run.items.values())
    columns = by_item(labels, items)
    yield f"{run.name}: {len(labels)} labels of {len({label.id for label in labels})} of its {len(items)} pairs"
    yield from among_people(among(columns))
    for name, share in shown_first(columns, items).items():
        yield f"  {name} took the answer shown first in {share.percent()} of those without a tie"
    for judge, verdicts in by_judge(run, tracking_uri).items():
        for finding in decide(people_findings(means(run, verdicts), columns)[0]):
            yield f"  {judge}, {finding.name}: {finding.verdict}; {finding.evidence}"


def _of(value: Estimate | None) -> str:
    return "not defined: one side only" if value is None else value.text(2)
