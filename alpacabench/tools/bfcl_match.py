"""Whether a call is one of those that BFCL holds for right.

By the rules of the package's checker for Python (`ast_eval/ast_checker.py`, bfcl-eval 2026.3.23), told again: a
parameter has a list of allowed values, an empty text among them marks it as optional, texts are compared without case,
spaces and most punctuation, and a whole number does for a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

TYPES: Mapping[str, type] = {
    "string": str, "integer": int, "float": float, "boolean": bool, "array": list, "tuple": list, "dict": dict,
    "any": str,
}  # fmt: skip
_IGNORED = re.compile(r"[ ,./\-_*^]")


def right_calls(
    functions: Sequence[Mapping[str, Any]],
    calls: Sequence[tuple[str, Mapping[str, Any]]],
    truth: Sequence[Mapping[str, Any]],
) -> bool:
    """Return whether the one call that is made is the one that is right.

    Args:
        functions: BFCL's descriptions, with its own names of types.
        calls: name and arguments of each call, the name as servers take it.
        truth: one object, {name: {parameter: allowed values}}.

    """
    if len(calls) != 1 or len(truth) != 1:
        return False
    (name, allowed), (called, arguments) = next(iter(truth[0].items())), calls[0]
    described = next((f for f in functions if f["name"] == name), None)
    return described is not None and called == plain_name(name) and _fits(described["parameters"], arguments, allowed)


def plain_name(name: str) -> str:
    """Return a function's name as servers take it: without dots."""
    return name.replace(".", "_")


def _fits(parameters: Mapping[str, Any], arguments: Mapping[str, Any], allowed: Mapping[str, list[Any]]) -> bool:
    described = parameters["properties"]
    if any(name not in arguments for name in parameters.get("required", ())):
        return False
    for name, value in arguments.items():
        if name not in described or name not in allowed or not _value_fits(described[name], value, allowed[name]):
            return False
    return all(name in arguments or "" in values for name, values in allowed.items())


def _value_fits(described: Mapping[str, Any], value: Any, allowed: Any) -> bool:
    written = described["type"]
    kind: Any = TYPES.get(written, str)
    inner = TYPES.get(described["items"]["type"], str) if written in ("array", "tuple") else None
    if written == "float" and type(value) is int:
        value = float(value)
    valid, variable = _typed(value, allowed, kind, inner)
    if not valid:
        return False
    if not variable:
        if kind is dict:
            return any(_dict_fits(value, one) for one in allowed if one != "")
        if kind is list and inner is dict:
            return any(_dicts_fit(value, one) for one in allowed)
        if kind is str:
            return _standard(value) in [_standard(one) for one in allowed if isinstance(one, str)]
        if kind is list:
            lists = [[_standard(item) for item in one] for one in allowed]
            return [_standard(item) for item in value] in lists
    return value in allowed


def _typed(value: Any, allowed: Any, kind: Any, inner: Any) -> tuple[bool, bool]:
    """Return whether a value is of its type, and whether the right one is a variable's name in place of a value."""
    own = next((type(one) for one in allowed if one != ""), None)
    if type(value) is kind:
        if inner is None:
            return True, own is not None and own is not kind
        for one in allowed:
            if not isinstance(one, list) or all(_typed(item, one, inner, None)[0] for item in value):
                return True, own is not None and own is not kind
        return False, False
    return own is not None and type(value) is own, True


def _dict_fits(value: Any, allowed: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(allowed, dict):
        return False
    known = all(
        name in allowed and _standard(given) in [_standard(one) for one in allowed[name]]
        for name, given in value.items()
    )
    return known and all(name in value or "" in values for name, values in allowed.items())


def _dicts_fit(value: list[Any], allowed: Any) -> bool:
    return len(value) == len(allowed) and all(
        one != "" and _dict_fits(v, one) for v, one in zip(value, allowed, strict=True)
    )


def _standard(value: Any) -> Any:
    return _IGNORED.sub("", value).lower().replace("'", '"') if isinstance(value, str) else value
