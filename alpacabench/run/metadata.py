"""What a run is known by: facts for the report and tags for the tracked run."""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from alpacabench.core.version import __version__
from alpacabench.dataset.taxonomy import Taxonomy, read_taxonomy
from alpacabench.run.difference import from_defaults, other_options, words
from alpacabench.run.experiment import GROUPS, Experiment
from alpacabench.run.pipeline import Evaluation, Inputs


def facts(experiment: Experiment, inputs: Inputs) -> dict[str, str]:
    """Return the facts that the report lists, in order."""
    subset = type(experiment.subset).__name__.lower()
    return {
        "name": run_name(experiment),
        "model": experiment.model.label,
        "reference": reference(inputs),
        "judge": experiment.judge.label,
        "judge order": experiment.judge.order,
        "dataset": f"{experiment.dataset.name} ({inputs.dataset['rows']} prompts, {experiment.dataset.licence})",
        "taxonomy": f"{experiment.dataset.taxonomy or 'built in'}, version {_taxonomy(experiment).version}",
        "subset": experiment.choices.get("subset", subset),
        "subset hash": inputs.subset_hash,
        "perturbation": ", ".join(filter(None, _perturbation(experiment))),
        **({"expectation": expected} if (expected := experiment.perturbation.expectation) else {}),
        **({"tools": tools} if (tools := _tools(experiment)) else {}),
        "decoding": ", ".join(f"{k} {v}" for k, v in experiment.decoding.key().items() if v not in ([], 1.0, 1)),
        "sharding": f"{experiment.sharding.mode}, processes: {experiment.sharding.num_processes}",
    }


def _tools(experiment: Experiment) -> str:
    """Return what the model may call, and how it is made to fail."""
    if not experiment.tools:
        return ""
    settings = experiment.settings
    failing = settings.tool_failures.words
    names = ", ".join(tool.name for tool in experiment.tools)
    return f"{names}; max_steps {settings.max_steps}" + (f"; failures {failing}" if failing else "")


def _taxonomy(experiment: Experiment) -> Taxonomy:
    return read_taxonomy(experiment.dataset.taxonomy)


def _perturbation(experiment: Experiment) -> tuple[str, ...]:
    perturbation = experiment.perturbation
    return experiment.choices.get("perturbation", ""), f"strength {perturbation.strength:g}", perturbation.author


def tags(experiment: Experiment, inputs: Inputs) -> dict[str, str]:
    """Return what makes two runs comparable, and where the run came from."""
    return (
        {
            "alpacabench.version": __version__,
            "alpacabench.dataset": str(inputs.dataset["name"]),
            "alpacabench.dataset_digest": str(inputs.dataset["digest"]),
            "alpacabench.subset_hash": inputs.subset_hash,
            "alpacabench.reference": reference(inputs),
            "alpacabench.judge": experiment.judge.label,
            "alpacabench.judge_hash": experiment.judge.prompt_hash(),
            "alpacabench.seed": str(experiment.settings.seed),
            "alpacabench.perturbation": experiment.choices.get("perturbation", ""),
            "alpacabench.host": platform.node(),
            "mlflow.user": user(),
            "mlflow.source.name": "run.py",
            "mlflow.runType": "genai_evaluate",
        }
        | _units(experiment)
        | ({"mlflow.source.git.commit": commit} if (commit := git_commit()) else {})
    )


def _units(experiment: Experiment) -> dict[str, str]:
    units = [f"{name}: {unit}" for metric in experiment.metrics for name, unit in metric.names().items()]
    return {"alpacabench.own_metrics": "; ".join(units)} if units else {}


def params(experiment: Experiment, inputs: Inputs) -> dict[str, str]:
    """Return the chosen options, what every comparison begins with, and every key that is not at its default."""
    chosen = {group: choice for group in GROUPS if (choice := experiment.choices.get(group))}
    judge = experiment.resolved["judge"]
    chosen |= from_defaults(experiment) | {
        "model.path": experiment.model.path or experiment.model.label,
        "judge.model_name": str(judge.get("model_name") or experiment.judge.label),
        "decoding.temperature": str(experiment.decoding.temperature),
        "decoding.max_new_tokens": str(experiment.decoding.max_new_tokens),
        "subset.n": str(experiment.subset.n or len(inputs.prompts)),
    }
    chosen["decoding"] = decoding(experiment)
    chosen["strength"] = f"{experiment.perturbation.strength:g}"
    chosen |= {"step": str(step)} if (step := experiment.tracking.step) is not None else {}
    return chosen | ({"variant": name} if (name := experiment.settings.variant) else {})


def decoding(experiment: Experiment) -> str:
    """Return the chosen preset; of greedy and sampling the one that the temperature makes it."""
    choice = experiment.choices.get("decoding", "")
    if choice not in ("greedy", "sampling"):
        return choice
    return "sampling" if experiment.decoding.samples else "greedy"


def run_name(experiment: Experiment) -> str:
    """Return the given name, else one that begins with what is special and ends with the model and the options."""
    choices = experiment.choices
    # Recorded answers were not decoded here.
    decoded = None if choices.get("model") == "recorded" else decoding(experiment)
    chosen = (experiment.model.label, decoded, choices.get("perturbation"))
    options = " ".join(part for part in chosen if part and part != "none")
    return experiment.settings.name or ", ".join([*words(experiment), options, *other_options(experiment)])


def own_figures(experiment: Experiment, metrics: Mapping[str, float]) -> dict[str, str]:
    """Return the figures of one's own metrics with their units, in words."""
    units = {name: unit for metric in experiment.metrics for name, unit in metric.names().items()}
    return {name: f"{metrics[name]:.4g} {unit}".strip() for name, unit in units.items() if name in metrics}


def reference(inputs: Inputs) -> str:
    """Return who wrote the reference answers."""
    names = sorted({prompt.example.reference_generator for prompt in inputs.prompts})
    return names[0] if len(names) == 1 else f"{len(names)} generators"


@lru_cache(maxsize=1)
def git_commit() -> str:
    """Return the commit of the code, with '-dirty' where it has changes; '' outside a repository."""
    root = Path(__file__).parent
    ask = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def user() -> str:
    """Return the name of the user, or the number of one without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def note(experiment: Experiment, evaluation: Evaluation, directory: Path, trust: Sequence[str] = ()) -> str:
    """Return what MLflow shows above a run: the result with its interval, the warnings, and where the report is."""
    warnings = [f"- {warning}" for warning in evaluation.scores.warnings]
    trusted = [f"- Trust in {line}" for line in trust]
    parts = [f"**{headline(experiment, evaluation.metrics)}**", "\n".join(trusted), "\n".join(warnings)]
    return "\n\n".join([*filter(None, parts), f"Report: `{directory / 'report.html'}`"])


def headline(experiment: Experiment, metrics: Mapping[str, float]) -> str:
    """Return the result in one line."""
    return _result(experiment, metrics) + _success(metrics)


def _success(metrics: Mapping[str, float]) -> str:
    if (rate := metrics.get("task_success")) is None:
        return ""
    interval = f"{metrics['task_success_ci_low']:.1f} to {metrics['task_success_ci_high']:.1f}"
    return f"; task success {rate:.1f}% (95% interval {interval})"


def _result(experiment: Experiment, metrics: Mapping[str, float]) -> str:
    rate = metrics.get("win_rate")
    if not experiment.judge.compares:
        failed = f", {metrics['n_failed']:.0f} missing" if metrics["n_failed"] else ""
        return f"{experiment.model.label}: answers alone, not judged{failed}"
    if rate is None:
        return f"{experiment.model.label}: no prompt has a score"
    interval = f"{metrics['win_rate_ci_low']:.1f} to {metrics['win_rate_ci_high']:.1f}"
    failed = f", {metrics['n_failed']:.0f} without a score" if metrics["n_failed"] else ""
    controlled = _length_controlled(metrics)
    return (
        f"{experiment.model.label}: win rate {rate:.2f} (95% interval {interval}){controlled} over "
        f"{metrics['n_total']:.0f} prompts{failed}, judged by {experiment.judge.label}"
    )


def _length_controlled(metrics: Mapping[str, float]) -> str:
    """Return the length-controlled win rate, where it is defined: alone the raw one hides what is length."""
    for suffix, named in (("", "length-controlled"), ("_noreg", "length-controlled, not regularised,")):
        if (value := metrics.get(f"length_controlled_winrate{suffix}")) is not None:
            low, high = (metrics[f"lc_ci_{end}{suffix}"] for end in ("low", "high"))
            return f", {named} {value:.2f} ({low:.1f} to {high:.1f})"
    return ""
