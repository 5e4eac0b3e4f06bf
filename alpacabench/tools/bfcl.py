"""BFCL's functions: offered as its rows describe them, and judged by its own notion of a right call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, ClassVar

from alpacabench.core.errors import Problem
from alpacabench.core.exchange import Step
from alpacabench.tools.base import Caller, Function, Row, Tool, function
from alpacabench.tools.bfcl_match import plain_name, right_calls
from alpacabench.tools.bfcl_services import MODULES, Services

INSTALL = "pip install --no-deps bfcl-eval"
NAMES = {
    "dict": "object", "float": "number", "integer": "integer", "boolean": "boolean", "array": "array", "tuple": "array",
    "string": "string", "any": "string", "object": "object", "number": "number",
}  # fmt: skip
"""JSON Schema's names of BFCL's types."""
RUN = ("ok", "error")


class BFCLFunctions(Tool):
    """The functions of a row of `dataset=bfcl`.

    A single turn ends with the model's first answer: its calls are compared and not run. A dialogue's calls are run by
    the package's own simulations; a turn is right where their state and answers are those that its ground truth leaves.
    """

    name: ClassVar[str] = "bfcl"
    description: ClassVar[str] = "The functions of BFCL's rows."
    # The simulations draw from seeded generators: a conversation that is played again has the same answers.
    repeatable: ClassVar[bool] = True
    # The package hands over what the model wrote; one of its own right calls does not fit its schema.
    fits: ClassVar[bool] = False

    def problems(self) -> Iterator[Problem]:
        """Yield that the package, or mpmath that its mathematics needs, is missing."""
        yield from super().problems()
        lacking = [name for name in ("bfcl_eval", "mpmath") if not find_spec(name)]
        if lacking:
            yield Problem("tools.bfcl", f"not installed: {', '.join(lacking)}", f"{INSTALL} && pip install mpmath")

    def applies(self, row: Row) -> bool:
        """Return whether the row is one of BFCL's."""
        return isinstance(row.get("bfcl"), Mapping)

    def identity(self) -> Mapping[str, Any]:
        """Return the package's version: it is what answers."""
        return {"bfcl-eval": version("bfcl-eval")}

    def functions(self, row: Row) -> Sequence[Function]:
        """Return the row's functions, or those of the services that its dialogue works on."""
        return [
            function(plain_name(given["name"]), given["description"], _schema(given["parameters"]))
            for given in _described(row)
        ]

    def final(self, row: Row) -> bool:
        """Return whether the row is a single turn."""
        return "involved_classes" not in row["bfcl"]

    def open(self, row: Row) -> Caller:
        """Return what runs a dialogue's calls, in the state in which the row begins."""
        services = _services(row)
        return lambda name, arguments: services.call(name, arguments)

    def call(self, arguments: dict[str, Any], row: Row) -> Any:
        """Raise: calls are run by what `open` returns."""
        raise NotImplementedError("BFCL's calls belong to a conversation")

    def right(self, row: Row, steps: Sequence[Step]) -> list[bool]:
        """Return for each turn whether it is right by BFCL's rules; a turn that was not reached is not."""
        entry = row["bfcl"]
        if not self.final(row):
            return list(_turns(row, steps))
        calls = [(call["name"], _object(call["arguments"])) for step in steps for call in step.tool_calls]
        if entry["category"] == "irrelevance":
            return [not calls]
        read = [(name, arguments) for name, arguments in calls if arguments is not None]
        return [len(read) == len(calls) and right_calls(row["functions"], read, entry["ground_truth"])]


def _turns(row: Row, steps: Sequence[Step]) -> Iterator[bool]:
    """Yield whether each turn is right: as in the package's `multi_turn_checker`, but each turn for itself."""
    model, truth, answered = _services(row), _services(row), list[str]()
    for number, written in enumerate(row["bfcl"]["ground_truth"], start=1):
        own = [step for step in steps if step.turn == number]
        results = [r for step in own for r in step.results if r.status in RUN or r.injected in ("partial", "malformed")]
        answered += [model.call(r.name, _object(r.arguments) or {}) for r in results]
        wanted = [truth.written(text) for text in written]
        ended = bool(own) and not own[-1].tool_calls
        made = not wanted or (bool(results) and model.same_as(truth) and _holds(answered, wanted))
        yield ended and made


def _holds(answered: Sequence[str], wanted: Sequence[str]) -> bool:
    """Return whether each wanted answer is among those that were had so far, each as often as it is wanted."""
    left = list(answered)
    for one in wanted:
        if one not in left:
            return False
        left.remove(one)
    return True


def _services(row: Row) -> Services:
    entry = row["bfcl"]
    return Services(entry["initial_config"], list(entry["involved_classes"]))


def _described(row: Row) -> list[Mapping[str, Any]]:
    if "functions" in row:
        return list(row["functions"])
    return [described for name in row["bfcl"]["involved_classes"] for described in _documented(name)]


@cache
def _documented(name: str) -> list[Mapping[str, Any]]:
    file = files("bfcl_eval") / "data" / "multi_turn_func_doc" / f"{MODULES[name]}.json"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _schema(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with JSON Schema's names of types."""
    found = {key: value for key, value in given.items() if key not in ("optional", "format")}
    found["type"] = NAMES.get(str(given.get("type")), "string")
    if isinstance(given.get("properties"), Mapping):
        found["properties"] = {name: _schema(inner) for name, inner in given["properties"].items()}
    if isinstance(given.get("items"), Mapping):
        found["items"] = _schema(given["items"])
    return found


def _object(arguments: str) -> dict[str, Any] | None:
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) else None
