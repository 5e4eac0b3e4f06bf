"""Chat templates that are chosen by `model.template`: a shipped name, a Jinja file, or `raw`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from alpacabench.core.errors import ConfigError, Problem

RAW = "raw"
"""No template: the model continues the plain prompt."""

FOLDER = Path(__file__).parent / "templates"

_STOP = re.compile(r"\{#-? stop: (.*?) -?#\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A Jinja chat template; `text` is None for `raw`."""

    text: str | None
    stop: tuple[str, ...] = ()
    """Strings that begin the next turn, where the template has no special token for it."""


def shipped() -> list[str]:
    """Return the names of the shipped templates."""
    return sorted(file.stem for file in FOLDER.glob("*.jinja"))


def choices(key: str = "model.template") -> str:
    """Return the sentence that names what `model.template` can be."""
    return (
        f"choose one: {key}={'|'.join(shipped())} or a .jinja file; "
        f"{key}={RAW} for the plain prompt; "
        "or a chat model, whose tokenizer brings its own template"
    )


def explicit(name: str, key: str = "model.template") -> Template:
    """Return the template of that name or file; its first line may name a stop string in a Jinja comment.

    Raises:
        ConfigError: there is no such template.

    """
    if name == RAW:
        return Template(None)
    file = FOLDER / f"{name}.jinja" if name in shipped() else Path(name).expanduser()
    if not file.is_file():
        raise ConfigError([Problem(key, f"given '{name}': no shipped template, no file", choices(key))])
    text = file.read_text(encoding="utf-8")
    found = _STOP.match(text)
    return Template(text, (found[1].encode().decode("unicode_escape"),) if found else ())
