"""Overrides as they were typed: a text that Hydra's grammar would refuse, or read as something else, is quoted for it.

`model.path=out/lr=1e-4/a` and `name=модель` break Hydra's grammar; `model.revision=5e10423` is a number to it, infinite
even; `name=a,b` is a sweep. Where a key takes only text, and nothing else can be meant, the text is what counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from alpacabench.cli.command_line import MULTIRUN
from alpacabench.core.component import Component

TEXTS_OF_HYDRA = (".dir", ".subdir", ".name", ".study_name", ".storage")
_OVERRIDE = re.compile(r"(\+{0,2}[\w.@/:]+)=(.*)", re.DOTALL)
_PARTS = re.compile(r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\\.|[^,'"\\]|['"\\])+""", re.DOTALL)
"""What stands between commas; those in quotes, and escaped ones, do not count."""


def as_typed(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command, quoted for Hydra where that keeps what was typed."""
    several = any(argument in MULTIRUN for argument in arguments)
    return [_as_typed(argument, several) for argument in arguments]


def _as_typed(argument: str, several: bool) -> str:
    found = _OVERRIDE.fullmatch(argument)
    if not found:
        return argument
    key, typed = found.groups()
    nested = any(bracket in typed for bracket in "([{")
    parsed = _parsed(key, typed)
    if parsed is None and nested and typed.strip()[:1] in ("[", "{") and not _takes_text_alone(key, list):
        return argument
    split = several and (parsed is None or (parsed.is_sweep_override() and not nested))
    parts = [part.strip() for part in _PARTS.findall(typed)] if split else [typed]
    return f"{key}=" + ",".join(_part(key, part) for part in parts)


def _part(key: str, typed: str) -> str:
    """Return one value as Hydra is to be given it."""
    parsed = _parsed(key, typed)
    if parsed is None:
        return _quoted(typed)
    if typed.strip()[:1] in ("'", '"', "") or "\\" in typed or "${" in typed:
        return typed
    value = parsed.value()
    if value is None or value == typed or (parsed.is_sweep_override() and "(" in typed):
        return typed
    return _quoted(typed) if _takes_text_alone(key, type(value)) else typed


def _quoted(text: str) -> str:
    from hydra.core.override_parser.types import Quote, QuotedString

    # What is no interpolation is no beginning of one: OmegaConf would look for its end.
    plain = text if _parsed("key", f"'{text}'") and "}" in text.partition("${")[2] else text.replace("${", r"\${")
    return str(QuotedString(plain, Quote.single).with_quotes())


def _parsed(key: str, typed: str) -> Any:
    """Return Hydra's override; None where its grammar refuses the text."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return OverridesParser.create().parse_override(f"{key}={typed}")
    except HydraException:
        return None


def _takes_text_alone(key: str, other: type) -> bool:
    """Return whether a key takes text, and no value of the other type."""
    kinds = {get_origin(kind) or kind for kind in _kinds(key.lstrip("+"))}
    others = {int, float} if other in (int, float) else {other} - {str}
    return str in kinds and not others & kinds


def _kinds(key: str) -> Iterable[Any]:
    """Return the types that a key takes; nothing where it is an option's own key, or the name of an option is meant."""
    if key.startswith("hydra."):
        return (str,) if key.endswith(TEXTS_OF_HYDRA) else ()
    from alpacabench.run.experiment import GROUPS
    from alpacabench.run.settings import Settings

    *groups, name = key.split(".")
    if name in (*GROUPS, "variant", "experiment") and not groups:
        return ()
    component: Any = Settings
    for group in groups:
        component = GROUPS.get(group) or getattr(component.model_fields.get(group), "annotation", None)
        if not (isinstance(component, type) and issubclass(component, Component)):
            return ()
    annotation = getattr(component.model_fields.get(name), "annotation", None)
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
