"""The services that BFCL's dialogues work on: the installed package's own simulations, one set per conversation."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

WHERE = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code"
MODULES: Mapping[str, str] = {
    "GorillaFileSystem": "gorilla_file_system", "MathAPI": "math_api", "MessageAPI": "message_api",
    "TwitterAPI": "posting_api", "TicketAPI": "ticket_api", "TradingBot": "trading_bot", "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}  # fmt: skip
STATELESS = ("MathAPI",)
MOST_BITS, MOST_PLACES = 4_096, 1_000
"""Of a power, and of what a number may be computed to: the simulations themselves know no bound."""


class Services:
    """The services of one dialogue, in the state that the calls so far have left."""

    def __init__(self, config: Mapping[str, Any], classes: list[str]) -> None:
        self._instances = {name: _open(name, config.get(name, {})) for name in classes}
        self._methods: dict[str, Callable[..., Any]] = {
            name: method for instance in self._instances.values() for name, method in _public(instance)
        }

    def call(self, name: str, named: Mapping[str, Any], given: Sequence[Any] = ()) -> str:
        """Return what a call answers, as the package tells it to a model; an error is an answer, too."""
        try:
            _bounded(name, named)
            answered = self._methods[name](*given, **named)
        except Exception as error:
            return f"Error during execution: {error}"
        if isinstance(answered, dict):
            try:
                return json.dumps(answered)
            except TypeError:
                return str(answered)
        return str(answered)

    def written(self, text: str) -> str:
        """Return what a call answers that is written as Python, as the package's ground truth is."""
        node = ast.parse(text, mode="eval").body
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name), text
        given = [ast.literal_eval(value) for value in node.args]
        return self.call(node.func.id, {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}, given)

    def same_as(self, other: Services) -> bool:
        """Return whether all services are in the same state: by their public attributes."""
        pairs = ((mine, other._instances[name]) for name, mine in self._instances.items())
        return all(
            getattr(mine, key) == value
            for mine, theirs in pairs
            for key, value in vars(theirs).items()
            if key[0] != "_"
        )


def _open(name: str, config: Any) -> Any:
    instance = getattr(importlib.import_module(f"{WHERE}.{MODULES[name]}"), name)()
    if name not in STATELESS:
        instance._load_scenario(copy.deepcopy(config), long_context=False)
    return instance


def _public(instance: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, method in inspect.getmembers(instance, predicate=inspect.ismethod):
        if not name.startswith("_"):
            yield name, method


def _bounded(name: str, named: Mapping[str, Any]) -> None:
    if any(isinstance(named.get(key), int) and named[key] > MOST_PLACES for key in ("precision", "decimal_places")):
        raise ValueError("the precision is too high")
    base, exponent = named.get("base"), named.get("exponent")
    if name != "power" or not isinstance(base, int | float) or not isinstance(exponent, int | float):
        return
    if abs(base) > 1 and exponent * math.log2(abs(base)) > MOST_BITS:
        raise OverflowError("Result too large")
