"""Prompts with the tools that their rows have: what the model is offered, and how the conversation goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import ValidationError

from alpacabench.core.errors import Problem
from alpacabench.core.exchange import DIALOGUE
from alpacabench.core.records import Example, Prompt
from alpacabench.run.experiment import Experiment
from alpacabench.tools.base import Tool
from alpacabench.tools.conversation import ToolUse
from alpacabench.tools.task import expectations


def tooled(experiment: Experiment, prompts: Sequence[Prompt]) -> list[Prompt]:
    """Return the prompts, each with the tools that apply to its row; a prompt that has its tools keeps them."""
    return [_with_tools(experiment, prompt) for prompt in prompts] if experiment.tools else list(prompts)


def _with_tools(experiment: Experiment, prompt: Prompt) -> Prompt:
    if prompt.exchange is not DIALOGUE or not any(tool.applies(prompt.example.row) for tool in experiment.tools):
        return prompt
    settings = experiment.settings
    return replace(
        prompt, exchange=ToolUse(experiment.tools, prompt.example, settings.tool_failures, settings.max_steps)
    )


def row_problems(experiment: Experiment, examples: Sequence[Example], file: str) -> Iterator[Problem]:
    """Yield what rows of the data set's file hold for tools that cannot be used, by row number."""
    if not experiment.tools:
        return
    for tool in experiment.tools:
        if not any(tool.applies(example.row) for example in examples):
            what = f"no row of {file} has what the tool reads, so that no model would be offered it"
            yield Problem(f"tools.{tool.name}", what, "see docs/tools.md, or leave it out")
    for example in examples:
        where = f"dataset.path: {file}, row {example.index + 1}"
        try:
            for tool in experiment.tools:
                if tool.applies(example.row):
                    tool.check_row(example.row)
            given = expectations(example.row)
        except ValidationError as error:
            first = error.errors()[0]
            at = ".".join(map(str, ("expected", *first["loc"])))
            yield Problem(f"{where}: {at}", f"given {str(first['input'])[:100]!r}: {first['msg']}", "see docs/tools.md")
            continue
        except ValueError as error:
            yield Problem(where, str(error), "see docs/tools.md")
            continue
        turns = max(1, len(example.turns))
        if isinstance(example.row.get("expected"), list) and len(given) != turns:
            what = f"'expected' has {len(given)} entries, and the user speaks {turns} times"
            yield Problem(where, what, "give one a turn, null where nothing is expected; or one object for the whole")
        for name, times in Counter(name for tool in experiment.tools for name in _names(tool, example)).items():
            if times > 1:
                yield Problem(where, f"{times} tools offer a function '{name}'", "choose one of them")


def _names(tool: Tool, example: Example) -> Iterator[str]:
    if tool.applies(example.row):
        yield from (function["function"]["name"] for function in tool.functions(example.row))
