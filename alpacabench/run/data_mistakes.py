"""What only the data tell of a configuration that is wrong already, so that it is told together with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alpacabench.core.component import Component
from alpacabench.core.errors import AlpacabenchError, Problem, problems_of
from alpacabench.core.records import Example
from alpacabench.dataset import Dataset
from alpacabench.dataset.hub import HubFile
from alpacabench.io.hub import unreachable
from alpacabench.model.base import Model
from alpacabench.scoring.scoring import Scoring
from alpacabench.subset import Subset


def of_the_data(parts: Mapping[str, Component | None], known: Sequence[Problem]) -> list[Problem]:
    """Return what is wrong with rows, subset and recorded answers, as far as these groups could be built.

    Args:
        parts: the components by group; None where one could not be built.
        known: the mistakes that were found already: the data of a group that has one are not looked at.

    """
    wrong = {problem.where.partition(".")[0] for problem in known}
    dataset, scoring = parts.get("dataset"), parts.get("scoring")
    if not isinstance(dataset, Dataset) or not isinstance(scoring, Scoring) or wrong & {"dataset", "scoring"}:
        return []
    if isinstance(dataset, HubFile) and not dataset.path and unreachable():
        return []  # a message must not wait for a download
    try:
        examples = dataset.load()
        problems = _of_model(parts.get("model"), examples) if "model" not in wrong else []
        subset = parts.get("subset")
        if isinstance(subset, Subset) and "subset" not in wrong:
            subset.choose(examples, scoring.difficulties(examples, dataset.has_difficulty).by_instruction)
    except AlpacabenchError as error:
        return problems_of(error)
    return problems


def _of_model(model: Component | None, examples: Sequence[Example]) -> list[Problem]:
    return list(model.check_examples(examples)) if isinstance(model, Model) else []
