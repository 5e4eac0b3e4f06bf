"""From the composed configuration to frozen components, with every mistake reported together."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from alpacabench.checks.base import Check
from alpacabench.core.component import Component, build
from alpacabench.core.errors import ConfigError, DataError, Problem, allowed
from alpacabench.core.records import digest
from alpacabench.cost.price import price_of
from alpacabench.dataset import Dataset
from alpacabench.decoding import Decoding
from alpacabench.judge.base import Judge
from alpacabench.model.base import Model
from alpacabench.perturbation.base import Perturbation
from alpacabench.rewording import by_model
from alpacabench.run.data_mistakes import of_the_data
from alpacabench.run.inherited import as_first_released
from alpacabench.run.settings import Settings
from alpacabench.scoring.foreseen import Foreseen, every_unit, metric_units
from alpacabench.scoring.metric import Metric
from alpacabench.scoring.scoring import Scoring
from alpacabench.scoring.tool_use import tool_units
from alpacabench.scoring.violations import violation_units
from alpacabench.security.password import password_problem, put_in
from alpacabench.security.redact import remember_values
from alpacabench.sharding import Sharding
from alpacabench.subset import Subset
from alpacabench.tools.base import Tool
from alpacabench.tracking.base import Tracking

GROUPS: Mapping[str, type[Component]] = {
    "dataset": Dataset, "subset": Subset, "perturbation": Perturbation, "model": Model, "decoding": Decoding,
    "sharding": Sharding, "judge": Judge, "scoring": Scoring, "tracking": Tracking,
}  # fmt: skip
"""The config groups of which a job has one option each, and what its class must be."""
LISTS = ("metrics", "checks", "tools")
"""The config groups that take a list of options."""

NOT_IDENTITY = ("hydra", "tracking", "store", "plan", "fail_fast", "name", "objective", "report", "budget", "schedule")
"""Keys that do not change what a job asks: two jobs that differ only in these are the same job."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One job: all components, built and checked, and what it is known by."""

    settings: Settings
    dataset: Dataset
    subset: Subset
    perturbation: Perturbation
    model: Model
    decoding: Decoding
    sharding: Sharding
    judge: Judge
    scoring: Scoring
    tracking: Tracking
    metrics: tuple[Metric, ...]
    """Of one's own."""
    checks: Mapping[str, Check]
    """On answers, by the option's name."""
    tools: tuple[Tool, ...]
    """That the model is offered."""
    choices: Mapping[str, str]
    """The chosen option of each group, where Hydra told."""
    resolved: Mapping[str, Any]
    """The resolved configuration, without Hydra's own."""

    @property
    def identity(self) -> str:
        """Digest of what the job asks: directories, tracking, store and labels left out."""
        asked = as_first_released(self.resolved, self.choices)
        return digest({key: value for key, value in asked.items() if key not in NOT_IDENTITY})

    def endings(self) -> list[str]:
        """Return a warning for each model that its provider will soon shut down."""
        return [*by_model.endings(self.perturbation), *self.model.endings(), *self.judge.endings()]


def load(cfg: DictConfig, choices: Mapping[str, str] | None = None) -> Experiment:
    """Build and check every component of a composed configuration.

    Args:
        cfg: what Hydra composed.
        choices: the chosen option by group, for messages and labels.

    Raises:
        ConfigError: every mistake found, each with its key, what was given, and what is allowed.

    """
    choices = dict(choices or {})
    resolved = _resolve(cfg)
    written = _leaves("", OmegaConf.to_container(cfg, resolve=False))
    problems: list[Problem] = [problem for key, value in written for problem in password_problem(key, value)]
    _hide_put_in(written, resolved)
    parts = {
        group: build(group, resolved.get(group) or {}, problems, choices.get(group, ""), (kind,))
        for group, kind in GROUPS.items()
    }
    metrics = _listed("metrics", Metric, resolved, problems)
    checks = _listed("checks", Check, resolved, problems)
    tools = _listed("tools", Tool, resolved, problems)
    rest = {key: value for key, value in resolved.items() if key not in (*GROUPS, *LISTS)}
    settings = build("", rest | {"_target_": f"{Settings.__module__}.Settings"}, problems, kinds=(Settings,))
    listed = [*metrics.values(), *checks.values(), *tools.values()]
    for part in (*parts.values(), *listed, settings):
        if part is not None:
            problems.extend(part.problems())
    if settings is None or None in (*parts.values(), *listed):
        raise ConfigError([*_once(problems, written), *of_the_data(parts, problems)])
    chosen: dict[str, Any] = {
        **parts,
        "metrics": tuple(metrics.values()),
        "checks": checks,
        "tools": tuple(tools.values()),
    }
    experiment = Experiment(settings=settings, choices=choices, resolved=resolved, **chosen)  # type: ignore[arg-type]
    problems.extend(_across(experiment))
    if problems:
        raise ConfigError([*_once(problems, written), *of_the_data(parts, problems)])
    return experiment


def _listed(
    group: str, kind: type[Component], resolved: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Component | None]:
    """Build the options of a group that takes a list, by name; the node is absent where none was chosen."""
    node = resolved.get(group)
    if not node:
        return {}
    if not isinstance(node, Mapping) or "_target_" in node:
        remedy = f"the first line of an option of this group is: # @package {group}.NAME"
        problems.append(Problem(group, f"it holds no {group} by name", remedy))
        return {}
    return {
        str(name): build(f"{group}.{name}", value or {}, problems, str(name), (kind,)) for name, value in node.items()
    }


def _resolve(cfg: DictConfig) -> dict[str, Any]:
    try:
        resolved = {str(key): _value(cfg, key) for key in cfg if key != "hydra"}
    except OmegaConfBaseException as error:
        key = str(getattr(error, "full_key", "") or "configuration")
        what = str(error).splitlines()[0]
        raise ConfigError([Problem(key, what, "set the environment variable or the key that it names")]) from error
    return {key: _without_missing(value) for key, value in resolved.items()}


def _value(cfg: DictConfig, key: Any) -> Any:
    """Return a key's value; a missing one as OmegaConf writes it."""
    value = "???" if OmegaConf.is_missing(cfg, key) else cfg[key]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def _without_missing(value: Any) -> Any:
    """Replace OmegaConf's '???' by None, so that a missing value is told together with the other mistakes."""
    if isinstance(value, dict):
        return {key: _without_missing(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_missing(item) for item in value]
    return None if value == "???" else value


def _hide_put_in(written: Sequence[tuple[str, str]], resolved: Mapping[str, Any]) -> None:
    """Hide from now on what variables of the environment put into the log-ins and queries of URLs.

    Args:
        written: keys and values, interpolations not resolved.
        resolved: the values of all keys.

    """
    values = dict(_leaves("", dict(resolved)))
    for key, text in written:
        remember_values(put_in(text, values.get(key, "")))


def _once(problems: Sequence[Problem], written: Sequence[tuple[str, str]]) -> list[Problem]:
    """Return the problems without those of keys whose value is another key's that is wrong."""
    sources = {key: value[2:-1] for key, value in written if value.startswith("${") and value.endswith("}")}
    wrong = {problem.where for problem in problems}
    return [problem for problem in problems if sources.get(problem.where) not in wrong]


def _leaves(key: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [leaf for k, v in value.items() for leaf in _leaves(f"{key}.{k}".lstrip("."), v)]
    if isinstance(value, list):
        return [leaf for i, v in enumerate(value) for leaf in _leaves(f"{key}[{i}]", v)]
    return [(key, value)] if isinstance(value, str) else []


def _across(experiment: Experiment) -> list[Problem]:
    """Return what no component sees alone."""
    problems = list(experiment.model.check_with(experiment.decoding, experiment.sharding))
    problems += by_model.problems(experiment.perturbation)
    problems += _of_tools(experiment)
    own = Counter(name for m in experiment.metrics if not [*m.problems()] for name in m.names())
    for name in (name for name, times in own.items() if times > 1 or name in every_unit()):
        whose = "every run has a metric of that name" if name in every_unit() else "two of the metrics have it"
        problems.append(Problem("metrics", f"given the name '{name}', but {whose}", "choose another name"))
    checked = [*tool_units(experiment.decoding.n)] if experiment.tools else []
    checked += [*violation_units(list(experiment.checks)), *(n for c in experiment.checks.values() for n in c.units())]
    known = [*metric_units(_foreseen(experiment)), *checked, *own]
    unjudged = (
        not experiment.judge.compares and experiment.settings.objective == Settings.model_fields["objective"].default
    )
    if experiment.settings.objective not in known and not unjudged:
        what = f"given '{experiment.settings.objective}', which this configuration does not give"
        problems.append(Problem("objective", what, allowed(experiment.settings.objective, known)))
    problems += _unpriced(experiment)
    batched = experiment.judge.batch_keys()
    if experiment.settings.early_stopping.alpha is not None and batched:
        remedy = f"leave {' and '.join(batched)} at direct, or early_stopping.alpha at null"
        problems.append(Problem("early_stopping.alpha", "a batch is judged as a whole, within a day", remedy))
    return problems


def _of_tools(experiment: Experiment) -> Iterator[Problem]:
    """Yield failures without tools, places that no call can have, and a model that cannot be offered any."""
    failures, tools, settings = experiment.settings.tool_failures, experiment.tools, experiment.settings
    if failures.any and not tools:
        yield Problem("tool_failures", "given a script of failures, but no tools", "choose some: tools=[calculator]")
    if tools and not experiment.model.takes_tools:
        label = experiment.choices.get("model") or type(experiment.model).__name__
        remedy = "choose a model that answers itself: model=hf, model=vllm, or one behind an API"
        yield Problem("model", f"model={label} cannot be offered tools", remedy)
    # A tool of a row's own functions has names that only the rows tell.
    own = [tool.name for tool in tools] if all(type(t).functions is Tool.functions for t in tools) else []
    yield from failures.unknown(own, settings.max_steps)


def _unpriced(experiment: Experiment) -> Iterator[Problem]:
    """Yield the models without a price where there is a cap, which could not be kept."""
    cap = experiment.settings.budget.usd
    asked = [
        *by_model.paid_models(experiment.perturbation), *experiment.model.paid_models(),
        *experiment.judge.paid_models(),
        *(paid for check in experiment.checks.values() for paid in check.paid_models()),
    ]  # fmt: skip
    for key, model in asked:
        if cap is not None and price_of(model) is None:
            what = f"budget.usd is {cap}, but the price of '{model}' is unknown, so the cap could not be kept"
            remedy = "add the model to a file in conf/prices (0 where it is free), or set budget.usd=null"
            yield Problem(key, what, remedy)


def _foreseen(experiment: Experiment) -> Foreseen:
    dataset, subset, judge = experiment.dataset, experiment.subset, experiment.judge
    try:
        label = judge.label
    except DataError:  # recorded verdicts that cannot be read: their own check says so
        label = None
    return Foreseen(
        dataset.has_difficulty,
        judge.order,
        label,
        dataset.known_reference,
        subset.whole,
        subset.at_most,
        judge.compares,
    )


def redacted_yaml(experiment: Experiment) -> str:
    """Return the resolved configuration as YAML, with every secret of the environment replaced."""
    from alpacabench.security.redact import redact_tree

    return "".join(
        _as_yaml(pickle.dumps({key: value})) for key, value in redact_tree(dict(experiment.resolved)).items()
    )


@lru_cache(maxsize=256)
def _as_yaml(part: bytes) -> str:
    """Return a part of a configuration as YAML; most of them are the same in all jobs of a sweep."""
    return str(OmegaConf.to_yaml(OmegaConf.create(pickle.loads(part))))
