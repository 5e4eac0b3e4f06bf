"""Components: the frozen objects that a config group's YAML names with `_target_`.

A group's base class (`Model`, `Judge`, ...) declares every contract key of the group. An option's class re-declares the
keys that it uses; a contract key that it does not re-declare must stay null, and is refused by name otherwise.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from alpacabench.core import trust
from alpacabench.core.allowed_values import in_words
from alpacabench.core.conf import options_with_class
from alpacabench.core.errors import ConfigError, Problem, allowed


class Component(BaseModel):
    """Base of all components: frozen, typed, unknown keys refused, no side effects in the constructor."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), arbitrary_types_allowed=True)

    group: ClassVar[str] = ""
    """The config group; set by the group's base class."""
    shared_keys: ClassVar[frozenset[str]] = frozenset()
    """Contract keys that the group's base class handles itself, so that every option may set them."""

    usual_option: ClassVar[Mapping[str, str]] = {}
    """By key: the option that somebody most probably wants who gives the key to an option that does not use it."""

    def problems(self) -> Iterator[Problem]:
        """Yield what would make this component fail later (files, keys, extras), without doing anything expensive."""
        yield from ()

    @classmethod
    def lacks(cls) -> list[str]:
        """Return the methods that a class of this group must have, and that this one has not."""
        return sorted(getattr(cls, "__abstractmethods__", ()))

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_as_number(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would read `true` as 1: `subset.n=true` is a mistake, not one prompt.
        annotation = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and not {bool, Any} & {annotation, *get_args(annotation)}:
            raise ValueError("true and false do not belong here")
        return value


def unused_keys(cls: type[Component]) -> set[str]:
    """Return the contract keys of the group that this option's class, with those it inherits from, does not use."""
    base = next((c for c in reversed(cls.__mro__) if issubclass(c, Component) and vars(c).get("group")), None)
    if base is None or cls is base:
        return set()
    used: set[str] = set(cls.shared_keys)
    for parent in cls.__mro__[: cls.__mro__.index(base)]:
        used |= set(vars(parent).get("__annotations__", {}))
    return set(base.model_fields) - used


def build(
    group: str,
    config: Mapping[str, Any],
    problems: list[Problem],
    choice: str = "",
    kinds: tuple[type[Component], ...] = (Component,),
) -> Component | None:
    """Build the component that `config` names with `_target_`; append every mistake to `problems`.

    Args:
        group: the config key under which the values stand (`judge`), used in messages.
        config: the resolved values, nested components included as mappings or lists with `_target_`.
        problems: collects the mistakes.
        choice: the option's name, used in messages.
        kinds: the class, or one of the classes, that the component must inherit from. Anything else is refused, and
            what is not below a trusted package (`core.trust`) is not even imported.

    Returns:
        The component, or None where a mistake was found.

    """
    values = dict(config)
    target = values.pop("_target_", None)
    cls = _class(group, target, kinds)
    if isinstance(cls, Problem):
        problems.append(cls)
        return None
    count = len(problems)
    values = {key: _nested(f"{group}.{key}", value, problems, _kinds(cls, key)) for key, value in values.items()}
    problems.extend(_unused(group, cls, values, choice))
    if len(problems) > count:
        return None
    try:
        return cls(**values)
    except ValidationError as error:
        problems.extend(_problems(group, cls, error))
        return None


def _class(key: str, target: Any, kinds: tuple[type[Component], ...]) -> type[Component] | Problem:
    """Return the class that `_target_` names, or what is wrong with it."""
    where = f"{key}._target_"
    must = f"it must be a {' or a '.join(kind.__name__ for kind in kinds)}"
    if not isinstance(target, str):
        return Problem(key, "no `_target_`", "choose one of the group's options, see `ls conf/" + key + "`")
    if not kinds:
        return Problem(key, f"given a component ('{target}'), but this key takes none", "leave `_target_` out")
    if not trust.is_trusted(target):
        return Problem(
            where, f"given '{target}', which is not trusted and was not imported; {must}", trust.remedy(target)
        )
    try:
        found = pkgutil.resolve_name(target)
    # Importing runs a module, and what a plug-in's raises may be anything.
    except Exception as error:
        what = f"cannot import '{target}': {type(error).__name__}: {error}"
        return Problem(where, what, f"name a class by its path; {must}")
    if not (isinstance(found, type) and issubclass(found, kinds)):
        bases = ", ".join(f"{kind.__module__}.{kind.__name__}" for kind in kinds)
        what = f"given '{target}', which is {_what(found)}; {must}"
        return Problem(where, what, f"name a class that inherits from {bases}")
    if lacking := found.lacks():
        return Problem(where, f"given '{target}', which has no {' and no '.join(lacking)}", f"{must} with that method")
    return found


def _what(found: Any) -> str:
    """Return what a name stands for, in words."""
    if isinstance(found, type):
        group = found.group if issubclass(found, Component) else ""
        return f"a class of the {group} group" if group else "a class, but no component"
    return "a function" if inspect.isroutine(found) else f"a {type(found).__name__}"


def _kinds(cls: type[Component], name: str) -> tuple[type[Component], ...]:
    """Return the classes of components that a field takes; none where it takes plain values."""
    field = cls.model_fields.get(name)
    return tuple(dict.fromkeys(_components(field.annotation))) if field else ()


def _components(annotation: Any) -> Iterable[type[Component]]:
    if isinstance(annotation, type) and issubclass(annotation, Component):
        yield annotation
    for part in get_args(annotation):
        yield from _components(part)


def _unused(group: str, cls: type[Component], values: Mapping[str, Any], choice: str) -> Iterator[Problem]:
    """Yield every value that is given although the option does not use its key."""
    label = choice or cls.__name__
    for key in sorted(unused_keys(cls)):
        if (value := values.get(key)) is None:
            continue
        others = [name for name, other in options_with_class(group) if _uses(other, key)]
        usual = cls.usual_option.get(key)
        remedy = f"leave it null, or choose an option that does: {', '.join(others)}" if others else "leave it null"
        remedy += f"; most often {group}={usual} {group}.{key}={value}" if usual in others else ""
        yield Problem(f"{group}.{key}", f"given {value!r}, but {group}={label} does not use it", remedy)


def _uses(target: str, key: str) -> bool:
    """Return whether an option of ours uses a key of its group."""
    found = pkgutil.resolve_name(target)
    return key not in unused_keys(found)


def _nested(key: str, value: Any, problems: list[Problem], kinds: tuple[type[Component], ...]) -> Any:
    if isinstance(value, Mapping) and "_target_" in value:
        return build(key, value, problems, kinds=kinds)
    if isinstance(value, Mapping):
        return {name: _nested(f"{key}.{name}", item, problems, kinds) for name, item in value.items()}
    if isinstance(value, list):
        return [_nested(f"{key}[{i}]", item, problems, kinds) for i, item in enumerate(value)]
    return value


def _problems(group: str, cls: type[Component], error: ValidationError) -> Iterator[Problem]:
    """Turn pydantic's errors into ours, the alternatives of a union into one."""
    found: dict[str, Problem] = {}
    for item in error.errors():
        key = ".".join(filter(None, [group, *_place(cls, item["loc"])]))
        if item["type"] == "extra_forbidden":
            inner = _holder(cls, item["loc"])
            key = key if inner is cls else f"{key}.{item['loc'][-1]}"
            found[key] = Problem(key, "unknown key", allowed(str(item["loc"][-1]), sorted(inner.model_fields)))
        elif item["type"] == "missing" or (item["input"] is None and item["loc"]):
            found[key] = Problem(key, "missing", f"give it a value: {key}=...")
        elif item["type"] == "model_type":
            keys = ", ".join(f"{key}.{name}=..." for name in _holder(cls, (*item["loc"], "")).model_fields)
            found[key] = Problem(key, f"given {item['input']!r}, but it has keys of its own", f"allowed: {keys}")
        else:
            message = item["msg"].removeprefix("Value error, ").replace(" a valid tuple", " a list")
            remedy = _remedy(key, item["input"], _field(cls, item["loc"]))
            if item["type"] == "string_type" and isinstance(item["input"], int | float):
                remedy = f"a text that looks like a number or like true stands in quotes: '{key}=\"...\"'"
            given = f"given {item['input']!r}: " if item["loc"] else ""
            what = f"{given}{message[0].lower()}{message[1:]}"
            found[key] = Problem(key, f"{found[key].what}, or {message}" if key in found else what, remedy)
    yield from found.values()


def _holder(cls: type[Component], location: tuple[int | str, ...]) -> type[Component]:
    """Return the component that holds the key of a location."""
    for part in location[:-1]:
        cls = _below(cls, part)
    return cls


def _field(cls: type[Component], location: tuple[int | str, ...]) -> FieldInfo | None:
    """Return the field of a location, one of a component inside of this one included."""
    field = cls.model_fields.get(str(location[0])) if location else None
    inner = _below(cls, location[0]) if field else cls
    keys = location[2:] if len(location) > 2 and isinstance(location[1], int) else location[1:]
    return _field(inner, keys) if inner is not cls and keys else field


def _remedy(key: str, given: Any, field: FieldInfo | None) -> str:
    """Return what a key takes; led by what was meant, where that is clear."""
    if field is None:
        return ""
    if isinstance(given, str) and given.startswith("="):
        return f"one equals sign: {key}={given.lstrip('=')}"
    choices = [str(c) for c in get_args(field.annotation) if isinstance(c, str)]
    if choices:
        return allowed(given, choices)
    words = in_words(field)
    default = field.get_default()
    example = "" if default is None or not isinstance(default, int | float | str) else f", as {key}={default}"
    return f"allowed: {words}{example}" if words else ""


def _place(cls: type[Component], location: tuple[int | str, ...]) -> Iterator[str]:
    """Yield the keys of a location; what names an alternative of a union is left out."""
    for depth, part in enumerate(location):
        if depth == 0 or isinstance(part, int) or part in cls.model_fields:
            yield str(part)
        cls = _below(cls, part)


def _below(cls: type[Component], key: int | str) -> type[Component]:
    """Return the component that stands under a key, alone or in a list; the class itself where none does."""
    field = cls.model_fields.get(str(key))
    return next(iter(_components(field.annotation)), cls) if field else cls


def require(problems: list[Problem]) -> None:
    """Raise one ConfigError with all problems, if there are any."""
    if problems:
        raise ConfigError(problems)
