"""The files of one run, in alpaca_eval's own format where it has one. Equal questions give byte-equal files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from alpacabench.core.errors import ConfigError, Problem
from alpacabench.core.exchange import Step, chat
from alpacabench.core.records import Example, Outcome, Verdict, digest
from alpacabench.core.tasks import ending, right
from alpacabench.io.json_text import dumps, indented
from alpacabench.security.redact import redact_answers

AT_ONCE = 16
"""Rows that are written, and searched for secrets, together."""
JUDGE_FILE = "judge.json"
LABELS_FILE = "labels.json"
"""What people said of the run's pairs, once it was imported."""
CANARIES_FILE = "canaries.jsonl"
TRUST_FILE = "judge_trust.json"
"""What a run's own verdicts say of its judge; `trust.json`, with labels, is what `alpacabench trust` writes later."""


def write_run(
    directory: Path, outcomes: Sequence[Outcome], metrics: Mapping[str, float], judge: str,
    canaries: Sequence[Verdict] = (),
) -> list[Path]:  # fmt: skip
    """Write model_outputs.json, annotations.json, verdicts.jsonl, generations.jsonl and metrics.json; return them.

    Where checks were made there is checks.jsonl, too, and canaries.jsonl where pairs with a known answer were judged;
    without a judge there are no annotations and no verdicts.
    """
    checked = (row for outcome in outcomes for row in check_rows(outcome))
    judged = not outcomes or any(outcome.judged for outcome in outcomes)
    verdicts = (verdict_row(v) for o in outcomes for v in o.verdicts)
    return [
        *([write_jsonl(directory / "checks.jsonl", checked)] if any(o.checked for o in outcomes) else []),
        *([write_jsonl(directory / CANARIES_FILE, map(canary_row, canaries))] if canaries else []),
        write_rows(directory / "model_outputs.json", output_rows(outcomes)),
        *([write_rows(directory / "annotations.json", annotation_rows(outcomes, judge))] if judged else []),
        *([write_jsonl(directory / "verdicts.jsonl", verdicts)] if judged else []),
        write_jsonl(directory / "generations.jsonl", generation_rows(outcomes)),
        write_json(directory / "metrics.json", dict(sorted(metrics.items()))),
    ]


def write_judge(directory: Path, content: Mapping[str, Any]) -> list[Path]:
    """Write judge.json, what the verdicts come from, where that is known; return what was written."""
    return [write_json(directory / JUDGE_FILE, content)] if content else []


def output_rows(outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    """Yield alpaca_eval's rows of outputs: the first sample of each prompt that has an answer."""
    for o in outcomes:
        if o.output is not None:
            yield {
                "instruction": o.example.instruction,
                "output": o.output,
                "generator": o.generations[0].generator,
                "dataset": o.example.source,
                **_dialogue(o.example),
                **({"outputs": list(o.generations[0].answers)} if o.example.turns else {}),
            }


def _dialogue(example: Example) -> dict[str, Any]:
    """Return the fields with which a data set holds a dialogue; none for an ordinary prompt."""
    if example.messages:
        return {"messages": chat((*example.messages, ("user", example.last_turn)))}
    return {"turns": list(example.turns)} if example.turns else {}


def annotation_rows(outcomes: Sequence[Outcome], judge: str) -> Iterator[dict[str, Any]]:
    """Yield alpaca_eval's rows of annotations: one per example, its verdicts averaged; null where there is none."""
    for o in outcomes:
        yield {
            "instruction": o.example.instruction,
            "output_1": o.example.reference,
            "generator_1": o.example.reference_generator,
            "dataset": o.example.source,
            "output_2": o.output,
            "generator_2": o.generations[0].generator if o.generations else None,
            "annotator": judge,
            "preference": o.preference,
            "raw_completion": o.verdicts[0].raw if len(o.verdicts) == 1 else None,
            "index": o.example.index,
            "category": o.example.category,
            "failure": o.failure,
            **(_by_turn(o) if o.example.turns else {}),
        }


def _by_turn(outcome: Outcome) -> dict[str, Any]:
    """Return what a row of annotations holds of a dialogue: answers and mean preference by turn."""
    example, turns = outcome.example, range(1, len(outcome.example.turns) + 1)
    return _dialogue(example) | {
        "outputs_1": list(example.references),
        "outputs_2": [] if outcome.output is None else list(outcome.generations[0].answers),
        "preferences": [outcome.preference_of(turn) for turn in turns],
    }


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """Return one line of verdicts.jsonl: a single judgement."""
    example = verdict.pair.example
    return {
        "item_id": example.index,
        "instruction_sha": digest(example.instruction)[:16],
        "sample": verdict.pair.sample,
        **({"turn": verdict.pair.turn} if verdict.pair.turn else {}),
        "slot": "model_first" if verdict.model_first else "model_second",
        "repeat": verdict.repeat,
        "judge": verdict.judge,
        "preference": verdict.preference,
        "y": None if verdict.preference is None else verdict.preference - 1,
        "failure": verdict.failure,
        "len_model": len(verdict.pair.output),
        "len_reference": len(verdict.pair.reference),
        "criteria": verdict.criteria,
        "prompt_tokens": verdict.prompt_tokens,
        "completion_tokens": verdict.completion_tokens,
        "raw": verdict.raw,
        "key": verdict.key,
    }


def canary_row(verdict: Verdict) -> dict[str, Any]:
    """Return one line of canaries.jsonl: a judgement of a pair with a known answer."""
    return {"canary": verdict.pair.canary} | verdict_row(verdict)


def generation_rows(outcomes: Sequence[Outcome]) -> Iterable[dict[str, Any]]:
    """Yield one line of generations.jsonl per answer: what the model saw and what it wrote."""
    for o in outcomes:
        for g in o.generations:
            yield {
                "item_id": o.example.index,
                "sample": g.sample,
                "prompt": o.prompt.seen,
                "system": o.prompt.system,
                "n_edits": o.prompt.n_edits,
                "edit_ratio": o.prompt.edit_ratio,
                "same_task": o.prompt.same_task,
                "gate_reasons": list(o.prompt.gate_reasons),
                "output": g.text,
                "reasoning": g.reasoning,
                "finish_reason": g.finish_reason,
                "prompt_tokens": g.prompt_tokens,
                "completion_tokens": g.completion_tokens,
                "failure": g.failure,
                "key": g.key,
                **({"steps": [_step_row(step) for step in g.steps]} if g.steps else {}),
                **({"ending": ended, "right": list(right(g))} if (ended := ending(g)) else {}),
            }


def _step_row(step: Step) -> dict[str, Any]:
    """Return one request of a conversation and its answer."""
    row = asdict(step) | {"asked": chat(step.asked), "output": step.text}
    results = {"results": row["results"]} if step.results else {}
    return {name: row[name] for name in _OF_A_STEP} | results


_OF_A_STEP = (
    "turn", "asked", "output", "tool_calls", "reasoning", "finish_reason", "prompt_tokens", "completion_tokens", "key"
)  # fmt: skip


def check_rows(outcome: Outcome) -> Iterable[dict[str, Any]]:
    """Yield one line of checks.jsonl per check and answer; where the findings are is told, not what stands there."""
    for one in outcome.checked:
        yield {
            "item_id": outcome.example.index,
            "instruction_sha": digest(outcome.example.instruction)[:16],
            "check": one.check,
            "sample": one.sample,
            "violates": bool(one.findings) if one.failure is None else None,
            **({"masked": True} if one.masked else {}),
            "findings": [asdict(finding) for finding in one.findings],
            "failure": one.failure,
        }


def write_json(path: Path, value: Any) -> Path:
    """Write JSON in one step, so that a reader never sees half a file."""
    return _replace(path, [indented(value) + "\n"])


def write_rows(path: Path, rows: Iterable[Any]) -> Path:
    """Write a list as `write_json` does, row by row: those of a large data set are never one text in memory."""
    return _replace(path, _listed(rows))


def write_jsonl(path: Path, rows: Iterable[Any]) -> Path:
    """Write one JSON value per line, in one step."""
    return _replace(path, (dumps(row) + "\n" for row in rows))


def _listed(rows: Iterable[Any]) -> Iterator[str]:
    before = "[\n  "
    for row in rows:
        yield before + indented(row).replace("\n", "\n  ")
        before = ",\n  "
    yield "\n]\n" if before[0] == "," else "[]\n"


def _replace(path: Path, parts: Iterable[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with open(partial, "w", encoding="utf-8", opener=_for_its_owner) as file:
        rows = iter(parts)
        while some := "".join(islice(rows, AT_ONCE)):
            file.write(redact_answers(some))
    partial.replace(path)
    return path


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def require_writable(directory: Path, key: str) -> None:
    """Make a directory and try to write into it, before anything is paid for.

    Raises:
        ConfigError: it cannot be made or written; `key` is what chooses it.

    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise ConfigError([unwritable(directory, error, key)]) from error


def unwritable(path: Path | str, error: OSError, key: str) -> Problem:
    """Return the problem of a directory that cannot be written."""
    remedy = (
        f"set {key}=DIR and store.url=sqlite:///DIR/store.db to a place that can be, and tracking.uri or tracking=none"
    )
    return Problem(key, f"{path} cannot be written ({error.strerror or error})", remedy)
