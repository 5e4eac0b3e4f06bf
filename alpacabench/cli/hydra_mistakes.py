"""Every mistake of a command, where Hydra alone would tell the first: wrong options, wrong keys, and wrong values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from alpacabench.cli.hydra_keys import in_full, keys_beside, options_with, sweeps_over
from alpacabench.cli.hydra_options import composing, options_of
from alpacabench.cli.program import program
from alpacabench.core.errors import AlpacabenchError, Problem, allowed, problems_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

HELP = "`{} --help` lists the groups, their options and every key; an option's own keys are in its file in conf/"
LISTED = ("checks", "metrics", "tools")
"""Groups that take a list of options."""
KEYS = ("api_key", "api-key", "key", "token")
"""What is called so elsewhere, and is given by no key of the configuration here."""
LOOKED_AT = 20
"""Values of a sweep beyond the first job's that are looked at for a message."""
QUOTES = "what Hydra would read otherwise stands in quotes: 'model.path=\"out/lr=1e-4/checkpoint-1\"'"

Composing = Callable[[tuple[str, ...]], "DictConfig | None"]
"""Composes overrides; None where Hydra cannot."""


def mistakes(overrides: Sequence[str], several: bool) -> list[Problem]:
    """Return all mistakes of a command, those of values included: of a sweep, each value is looked at once.

    Args:
        overrides: as Hydra is given them.
        several: whether a comma makes several jobs.

    """
    problems, rest = wrong_overrides(overrides, several)
    lacked = [text for text in overrides if text not in rest and any(p.where == _key(text) for p in problems)]
    meant = [text for key in lacked for text in _with_its_option(key, rest)]
    found = [problem for job in _each_value([*rest, *meant]) for problem in _of_values(job)]
    return list(dict.fromkeys([*problems, *found]))


def _each_value(overrides: Sequence[str]) -> Iterator[list[str]]:
    """Yield the first job of a sweep, and for every other value of a key the same job with that value."""
    first = [_first(text) for text in overrides]
    yield first
    others = [(n, value) for n, text in enumerate(overrides) for value in sweeps_over(text)[1:]]
    for number, value in others[:LOOKED_AT]:
        yield [*first[:number], value, *first[number + 1 :]]


def wrong_overrides(overrides: Sequence[str], several: bool) -> tuple[list[Problem], list[str]]:
    """Return the mistakes that no job can have right, and the overrides without them.

    Args:
        overrides: as Hydra is given them.
        several: whether a comma makes several jobs; a key that only some of them have is no mistake here.

    """
    problems: list[Problem] = []
    kept = []
    for text in overrides:
        found = list(_unreadable(text, several)) or list(_unknown_options(text))
        problems += found
        kept += [] if found else [text]
    kept = [text for text in kept if not unanswered([text])]
    groups = [text for text in kept if options_of(_key(text))]
    with composing():
        composed = cache(_composed)
        wrong = {text: _unknown_key(text, groups, composed) for text in kept if text not in groups}
    rest = [text for text in kept if not wrong.get(text)]
    return [*problems, *(problem for problem in wrong.values() if problem)], rest


def _with_its_option(text: str, rest: Sequence[str]) -> list[str]:
    """Return a key that the chosen option lacks with the only one that has it, so that its value is looked at, too."""
    group, _, name = _key(text).partition(".")
    having = options_with(group, name)
    chosen = any(_key(other) == group for other in rest)
    return [f"{group}={having[0]}", text] if len(having) == 1 and not chosen else []


def unanswered(overrides: Sequence[str]) -> list[Problem]:
    """Return what Hydra takes or answers in no words: a group's null, list or absence, and keys that a plus adds."""
    return [problem for text in overrides for problem in _unanswered(text)]


def _unanswered(text: str) -> Iterator[Problem]:
    group, value = _key(text), text.partition("=")[2]
    if group in LISTED and not options_of(group) and value.strip("[]") not in ("", "null"):
        yield Problem(group, f"given {value}, but it has no option yet", f"add one of your own: conf/{group}/NAME.yaml")
    if not (text.startswith(("+", "~")) or value.startswith("[") or "null" in value):
        return
    from alpacabench.run.experiment import GROUPS
    from alpacabench.run.settings import Settings

    options = options_of(group)
    if not options:
        # Below a group a component of one's own may have keys that its file leaves out.
        if text.startswith("+") and re.fullmatch(r"\w+", group) and group not in Settings.model_fields:
            yield _unknown(group, [])
        return
    if "null" in value.split(","):
        yield Problem(group, "given null", f"leave it out for none; {allowed('null', options)}")
    elif group not in GROUPS:
        return
    elif text.startswith("~"):
        yield Problem(group, "is left out, but a run has one of its options", allowed("", options))
    elif text.startswith("+"):
        yield Problem(group, "given with a plus, which adds what is not there yet", f"without it: {group}={value}")
    elif value.startswith("[") and "," in value:
        yield Problem(group, f"given {value}: it takes one option, not a list", _instead_of_list(group, value))


def explain(error: BaseException) -> Problem:
    """Return Hydra's message with what is allowed and what to do."""
    message = str(error).strip().split("Config search path:")[0].rstrip()
    if option := re.search(r"Could not find '([^']+)/([^'/]*)'", message):
        group, name = option.groups()
        return _unknown_option(group, name, re.findall(r"^\t(.+)$", message, flags=re.MULTILINE))
    if key := re.search(r"Could not override '([^']+)'", message) or re.search(r"full_key: (\S+)", message):
        return _unknown(key[1], [])
    if folder := re.search(r"Additional config directory '([^']+)' not found", message):
        return Problem(
            "--config-dir", f"given '{folder[1]}': no such directory", "give a directory of your own options"
        )
    if name := re.search(r"Cannot find primary config '([^']+)'", message):
        remedy = "leave --config-name out; a ready study is experiment=NAME"
        return Problem("--config-name", f"given '{name[1]}', but the one configuration is config", remedy)
    where, _, what = message.partition("\n")
    return Problem(where, " ".join(what.split()) or "Hydra refuses it", HELP.format(program()))


def _key(text: str) -> str:
    return text.partition("=")[0].lstrip("+~")


def _first(text: str) -> str:
    """Return an override with the first of the values that it sweeps over."""
    return next(iter(sweeps_over(text)), text)


def _unreadable(text: str, several: bool) -> Iterator[Problem]:
    """Yield that Hydra's grammar refuses the text, or that it is a sweep where there is none."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    key, _, value = text.partition("=")
    try:
        parsed = OverridesParser.create().parse_override(text)
    except HydraException as error:
        first = str(error).strip().splitlines()[-2:][0]
        yield Problem(key, f"given {value!r}, which Hydra cannot read: {first}", QUOTES)
        return
    if parsed.is_sweep_override() and not several:
        what = f"given {value}: several values are a sweep, and -m is missing"
        yield Problem(key, what, _as_several(key, value))


def _as_several(key: str, value: str) -> str:
    as_list = f"a list stands in brackets: '{key}=[{value}]'"
    if key in LISTED:
        return as_list
    jobs = f"one job for each: `{program()} -m {key}={value} ...`"
    plain = options_of(key) or not any(letter.isalpha() for letter in value)
    return jobs if plain else f"{jobs}; {as_list}; one text in quotes: '{key}=\"{value}\"'"


def _unknown_options(text: str) -> Iterator[Problem]:
    """Yield the options of a group that do not exist."""
    group = _key(text)
    options = options_of(group)
    if not options or text.startswith("~"):
        return
    for one in sweeps_over(text) or [text]:
        value = one.partition("=")[2].strip()
        named = [part.strip() for part in value.strip("[]").split(",")] if value.startswith("[") else [value]
        for name in filter(None, named) if value.startswith("[") else named:
            plain = name.strip("'\"")
            if plain not in (*options, "null") and "(" not in name and "$" not in name:
                yield _unknown_option(group, plain, options)


def _instead_of_list(group: str, value: str) -> str:
    remedy = f"one job for each: `{program()} -m {group}={value.strip('[]')} ...`"
    in_order = "; one after the other on each prompt: perturbation=chain, whose steps are keys of its file"
    return remedy + (in_order if group == "perturbation" else "")


def _unknown_option(group: str, name: str, options: Sequence[str]) -> Problem:
    if name.startswith("=") and name[1:] in options:
        return Problem(group, f"given '{name}'", f"one equals sign: {group}={name[1:]}")
    remedy = allowed(name, options)
    if group == "model" and name not in ("", "null"):
        remedy += f"; any other model by its path: model=hf model.path={name}, or of an API model=openai model.path=..."
    if group in LISTED:
        remedy += f"; several as a list: {group}=[a,b]"
    return Problem(group, f"unknown option '{name}'" if name else "no option is given", remedy)


def _unknown_key(text: str, groups: Sequence[str], composed: Composing) -> Problem | None:
    """Return that a key exists under none of the chosen options, as far as that can be told without the other keys."""
    key = _key(text)
    if text.startswith(("+", "~")) or key.startswith("hydra.") or "@" in key:
        return None
    first = {one: _first(one) for one in groups}
    own = [one for one in groups if _key(one) == key.partition(".")[0]][:1]
    choices = [choice for one in own for choice in sweeps_over(one) or [one]]
    chosen = [first | dict.fromkeys(own, choice) for choice in choices] or [first]
    configs = [config for lines in chosen if (config := composed(tuple(lines.values())))]
    beside = [keys_beside(config, key) for config in configs]
    name = key.rpartition(".")[2]
    if not beside or any(known is None or name in known for known in beside):
        return None
    return _unknown(key, sorted({other for known in beside for other in known or ()} - {"_target_"}))


def _unknown(key: str, known: Sequence[str]) -> Problem:
    if key.startswith("model@perturbation."):
        remedy = "only perturbation=paraphrase and perturbation=translation ask a model"
        return Problem(key, "unknown key", remedy)
    group, _, name = key.rpartition(".")
    if name in KEYS:
        return Problem(key, "keys are read from the environment", "export OPENAI_API_KEY=...")
    full = [other for other in in_full(name, key) if other != key]
    having = options_with(group, name)
    if having:
        said = f"{', '.join(f'{group}={option}' for option in having)} has such a key; "
    elif full:
        said = f"did you mean {' or '.join(full)}? "
    else:
        said = ""
    listed = allowed(name, known) if known and not full else ""
    return Problem(key, "unknown key", said + "\n    ".join(filter(None, [listed, HELP.format(program())])))


def _composed(overrides: tuple[str, ...]) -> DictConfig | None:
    from hydra import compose
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        config: DictConfig = compose("config", list(overrides))
        return config
    except (HydraException, OmegaConfBaseException):
        return None


def _of_values(overrides: list[str]) -> list[Problem]:
    """Return what is wrong with the values of a command whose keys are right, Hydra's own words included."""
    from hydra import compose
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from alpacabench.run.experiment import load

    plain = [text for text in overrides if not _key(text).startswith("hydra.")]
    try:
        with composing():
            config: Any = compose("config", plain, return_hydra_config=True)
            load(config, dict(config.hydra.runtime.choices))
    except AlpacabenchError as error:
        return problems_of(error)
    except (HydraException, OmegaConfBaseException) as error:
        return [explain(error)]
    return []
