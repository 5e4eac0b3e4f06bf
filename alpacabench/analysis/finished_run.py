"""A finished run as its files tell it: ours, or an annotation file of alpaca_eval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alpacabench.analysis.annotated_dialogue import moved, sides_of
from alpacabench.analysis.checked_answers import read_checked, read_hidden
from alpacabench.analysis.difficulty_files import DifficultyFiles, used_files
from alpacabench.analysis.locate import Files, locate
from alpacabench.analysis.run_settings import settings_of
from alpacabench.checks.spans import Span, masked
from alpacabench.core.errors import DataError
from alpacabench.io.json_text import loads
from alpacabench.io.outputs import resolve
from alpacabench.io.rows import Row, check_scale, read_preference, read_rows, unique_instructions
from alpacabench.judge.slot import model_first

KEY = "RUN"
STUDIED = ("decoding", "perturbation", "dataset")
"""Config groups that a study varies besides the model."""
HOW_IT_IS_ASKED = (
    "base_url", "provider", "concurrency", "timeout", "mode", "device", "allow_pickle", "name", "path", "canaries"
)  # fmt: skip
"""What of the judge's configuration decides no verdict; the rest does. Recorded verdicts of two runs have two paths."""


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt of a finished run."""

    index: int
    """Row number in the data set, or in the file where it is not told."""
    instruction: str
    preference: float
    """In [1, 2]; NaN where there is no verdict."""
    output: str | None = None
    reference: str | None = None
    length: float | None = None
    """Characters of the answer, the mean over samples, and over the turns of a dialogue."""
    reference_length: float | None = None
    """Characters of the reference answer, the mean over the turns of a dialogue."""
    source: str = ""
    category: str = ""
    finish_reason: str | None = None
    slots: tuple[bool, ...] | None = None
    """Whether the model's answer was shown first, sorted; None where the files do not tell."""
    answer_at: int = 0
    """Where in `output` the answer begins that checks have read: behind the earlier turns of a dialogue."""
    hidden: tuple[Span, ...] = ()
    """Spans of the answer that checks hold must not be shown."""

    @property
    def shown(self) -> str | None:
        """The answer as pages and the terminal show it."""
        return self.output if self.output is None else masked(self.output, self.hidden).text


@dataclass(frozen=True)
class FinishedRun:
    """A run whose verdicts are given."""

    name: str
    origin: str
    """What the user gave: a path or an MLflow run id."""
    judge: str
    reference: str
    """Name of the reference's generator."""
    items: dict[str, Item]
    """By instruction."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """`metrics.json`; empty where there is none."""
    judge_settings: Mapping[str, Any] = field(default_factory=dict)
    """What of the judge's configuration decides a verdict; empty where there is none."""
    checked: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By check and instruction, where the check applies: the share of the answers that violate; NaN where unknown."""
    judge_content: Mapping[str, Any] = field(default_factory=dict)
    """What the judge was asked and how it is known (`judge.json`); empty where the run does not tell."""
    judge_models: Mapping[str, str] = field(default_factory=dict)
    """By the judge's name, of a panel each member's: the model behind it; empty where the run does not tell."""
    model_path: str = ""
    """`model.path`; empty where the run does not tell."""
    model_settings: Mapping[str, Any] = field(default_factory=dict)
    """The model's configuration; empty where there is none."""
    study_settings: Mapping[str, Any] = field(default_factory=dict)
    """What else a study varies: the configurations of `STUDIED`."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Every key of the configuration with its value, and each group's option; empty where the run does not tell."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Of a job of a sweep: what varies there, with its values."""
    difficulty_files: DifficultyFiles | None = None
    """What the run itself used for its length control, where that is still there."""

    @property
    def instructions(self) -> list[str]:
        """Every instruction, in the file's order."""
        return list(self.items)

    @property
    def preferences(self) -> list[float]:
        """Every preference, in the same order; NaN where there is none."""
        return [item.preference for item in self.items.values()]

    def only(self, instructions: Sequence[str]) -> FinishedRun:
        """Return the run on some of its prompts."""
        return replace(self, items={text: self.items[text] for text in instructions})


def read_run(
    given: str, outputs: str | None = None, references: Mapping[str, str] | None = None, tracking_uri: str | None = None
) -> FinishedRun:
    """Return a finished run.

    Args:
        given: a run directory, an annotation file (.json, .jsonl, .csv, also .gz), an MLflow run id, or `latest`,
            `latest-1`, ... for a run below outputs/.
        outputs: the model's outputs, where the annotations do not hold them and no file beside them does.
        references: the reference answer by instruction, where the annotations do not hold them.
        tracking_uri: where the MLflow run is.

    Raises:
        DataError: nothing there, or rows that cannot be used; names the file and the row.

    """
    given = resolve(given)
    with locate(given, tracking_uri) as files:
        rows = read_rows(files.annotations, KEY)
        if not rows:
            raise DataError(f"{KEY}: {given} holds no annotations")
        unique_instructions(rows, given, KEY)
        check_scale((row.get("preference") for row in rows), f"{KEY}: {given}")
        answers = _texts(outputs or files.outputs, "--outputs")
        items = [item_of(number, row, given, answers, references or {}) for number, row in enumerate(rows, start=1)]
        items = _with_verdicts(items, rows, files)
        items = _with_finish_reasons(items, rows, files)
        hidden = read_hidden(files.checks)
        items = [replace(item, hidden=moved(hidden.get(item.index, ()), item.answer_at)) for item in items]
        config, hydra = _yaml(files.config), _yaml(files.hydra).get("hydra") or {}
        runtime = hydra.get("runtime") or {}
        return FinishedRun(
            name=files.name or given_name(config) or only(rows, "generator_2", given) or given,
            origin=given,
            judge=only(rows, "annotator", given) or "unknown",
            reference=only(rows, "generator_1", given) or "unknown",
            items={item.instruction: item for item in items},
            metrics=_metrics(files.metrics) if files.metrics else {},
            judge_settings=_judge_settings(config),
            checked=read_checked(files.checks, {item.index: item.instruction for item in items}),
            judge_content=read_object(files.judge, "values") if files.judge else {},
            judge_models=judge_models(config.get("judge") or {}),
            model_path=str((config.get("model") or {}).get("path") or ""),
            model_settings=config.get("model") or {},
            study_settings={group: config[group] for group in STUDIED if group in config},
            settings=settings_of(config, runtime.get("choices") or {}),
            params=_params(files.job),
            difficulty_files=used_files(config, str(runtime.get("cwd") or ".")),
        )


def _metrics(path: Path) -> dict[str, float]:
    found = read_object(path, "figures")
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def read_object(path: Path, of: str) -> dict[str, Any]:
    """Return the JSON object that a run wrote.

    Raises:
        DataError: it cannot be read, or is no object.

    """
    try:
        found = loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"{KEY}: {path} cannot be read ({error})\n    run the evaluation again: it asks nothing"
        ) from error
    if not isinstance(found, dict):
        raise DataError(f"{KEY}: {path} holds a {type(found).__name__}; an object of {of} is needed")
    return found


def read_references(path: str | None) -> dict[str, str]:
    """Return the reference answer by instruction of a data set's file, in its order; empty without a file."""
    return _texts(path, "--dataset")


def _texts(path: str | Path | None, key: str) -> dict[str, str]:
    if path is None:
        return {}
    rows = read_rows(path, key)
    unique_instructions(rows, path, key)
    return {row["instruction"]: row["output"] for row in rows if isinstance(row.get("output"), str)}


def item_of(number: int, row: Row, given: str, answers: Mapping[str, str], references: Mapping[str, str]) -> Item:
    """Return the prompt of a row of annotations; `answers` and `references` stand in for texts that it lacks."""
    instruction = row["instruction"]
    output = _text(row.get("output_2"), answers.get(instruction))
    reference = _text(row.get("output_1"), references.get(instruction))
    told = sides_of(row, output, reference)
    return Item(
        index=row["index"] if isinstance(row.get("index"), int) else number - 1,
        instruction=instruction,
        preference=read_preference(row.get("preference"), f"{KEY}: {given}, row {number}"),
        **vars(told),
        source=str(row.get("dataset") or ""),
        category=str(row.get("category") or ""),
        # alpaca_eval writes no slot: it is a function of the instruction. Ours is in verdicts.jsonl.
        slots=None if "failure" in row else (model_first(instruction, 0),),
    )


def _text(value: Any, default: str | None) -> str | None:
    return value if isinstance(value, str) else default


def _with_verdicts(items: list[Item], rows: list[Row], files: Files) -> list[Item]:
    """Add slots and mean lengths, where the single verdicts are at hand."""
    if files.verdicts is None:
        return items
    slots: dict[Any, set[bool]] = defaultdict(set)
    lengths: dict[Any, list[float]] = defaultdict(list)
    for verdict in read_rows(files.verdicts, KEY):
        slots[verdict.get("item_id")].add(verdict.get("slot") == "model_first")
        if isinstance(verdict.get("len_model"), int):
            lengths[verdict.get("item_id")].append(verdict["len_model"])
    return [
        replace(
            item,
            slots=tuple(sorted(slots[row.get("index")])) or None,
            length=_mean(lengths[row.get("index")]) if lengths[row.get("index")] else item.length,
        )
        for item, row in zip(items, rows, strict=True)
    ]


def _with_finish_reasons(items: list[Item], rows: list[Row], files: Files) -> list[Item]:
    if files.generations is None:
        return items
    first = {g.get("item_id"): g.get("finish_reason") for g in read_rows(files.generations, KEY) if not g.get("sample")}
    return [replace(item, finish_reason=first.get(row.get("index"))) for item, row in zip(items, rows, strict=True)]


def _yaml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml

    # The loader in C, where PyYAML has it, takes a tenth of the time.
    content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return content if isinstance(content, dict) else {}


def given_name(config: Mapping[str, Any]) -> str:
    """Return the name that the user gave to recorded answers, whose rows keep their generator."""
    model = config.get("model") or {}
    return str(model.get("name") or "") if str(model.get("_target_", "")).endswith("model.recorded.Recorded") else ""


def _judge_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    judge = config.get("judge") or {}
    deciding = {key: value for key, value in judge.items() if key not in HOW_IT_IS_ASKED}
    if members := deciding.get("judges"):
        deciding["judges"] = {name: _judge_settings({"judge": member}) for name, member in members.items()}
    return deciding


def judge_models(judge: Mapping[str, Any]) -> dict[str, str]:
    """Return the model behind a judge's configuration by the judge's name, of a panel each member's."""
    members = judge.get("judges") or {"": judge}
    named = {str(member.get("name") or name): member.get("model_name") for name, member in members.items()}
    return {name: str(model) for name, model in named.items() if name and model}


def _params(path: Path | None) -> dict[str, str]:
    params = read_object(path, "a job").get("params") if path else None
    return {str(key): str(value) for key, value in params.items()} if isinstance(params, dict) else {}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def only(rows: Iterable[Row], key: str, given: str) -> str:
    """Return the one value that all rows share; a DataError names several."""
    values = sorted({str(row[key]) for row in rows if row.get(key)})
    if len(values) > 1:
        raise DataError(
            f"{KEY}: {given} holds rows of several '{key}': {', '.join(values[:5])}\n"
            "    split the file: one model, one judge and one reference each"
        )
    return values[0] if values else ""
