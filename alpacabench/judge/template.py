"""Judge prompts: a template split into chat messages, then filled in one pass.

Split before filling and filled in one pass, an answer can neither open a chat message of its own nor have its braces
filled. The prompts equal alpaca_eval's own wherever an answer does not try that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from alpacabench.core.errors import Problem
from alpacabench.core.exchange import Message

PLACEHOLDERS = ("instruction", "output_1", "output_2")
OWN = Path(__file__).parent / "templates"

_FIELD = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_BRACED = re.compile(r"\{\s*\{\s*(" + "|".join(PLACEHOLDERS) + r")\s*\}")
_PART = re.compile(r"<\|im_start\|>(\w+)[ \t]*\n(.*?)<\|im_end\|>", re.DOTALL)
_MARKER = re.compile(r"<\|im_(?:start|end)\|>")
ROLES = ("system", "user", "assistant")


@cache
def alpaca_eval_directory() -> Path:
    """Return the folder of the installed alpaca_eval, without importing it.

    Raises:
        ModuleNotFoundError: it is not installed; says how to install it.

    """
    spec = find_spec("alpaca_eval")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("alpaca_eval is not installed: pip install alpaca-eval==0.6.6")
    return Path(spec.origin).parent


def annotators_directory() -> Path:
    """Return the folder of annotator configs of the installed alpaca_eval."""
    return alpaca_eval_directory() / "evaluators_configs"


def template_path(template: str) -> Path:
    """Return the file that a template's name stands for.

    Args:
        template: `alpaca_eval:FILE` (one that alpaca_eval ships), `alpacabench:NAME` (ours), or a path.

    """
    origin, _, name = template.partition(":")
    if origin == "alpaca_eval":
        return annotators_directory() / name
    if origin == "alpacabench":
        return OWN / f"{name}.txt"
    return Path(template).expanduser()


def check_template(template: str) -> Iterator[Problem]:
    """Yield what is wrong with a template: no such file, or not every text of it would reach the judge."""
    path = template_path(template)
    where = "judge.template"
    if not path.is_file():
        ours = ", ".join(f"alpacabench:{file.stem}" for file in sorted(OWN.glob("*.txt")))
        yield Problem(
            where, f"given '{template}': no such file", f"give the path of a text file, or one of ours: {ours}"
        )
        return
    try:
        text = load_template(template)
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(where, f"cannot read {path}: {error}", "give a text file in UTF-8")
        return
    if braced := _BRACED.search(text):
        yield Problem(
            where, f"{path} has double braces around a placeholder: {braced[0]}...", "write {instruction}, {output_1} "
            "and {output_2} in single braces; other braces are text, and are sent as they stand",
        )  # fmt: skip
        return
    fields = _FIELD.findall(text)
    for name in PLACEHOLDERS:
        if fields.count(name) != 1:
            yield Problem(
                where,
                f"{path} has {{{name}}} {fields.count(name)} times",
                "a template has each of {instruction}, {output_1} and {output_2} once",
            )
    yield from _unsent(text, path)


def _unsent(text: str, path: Path) -> Iterator[Problem]:
    """Yield what stands outside the chat messages of a template, where it has any: no judge would read it."""
    if not _MARKER.search(text):
        return
    rest = _PART.sub("", text)
    remedy = (
        "each message is a line `<|im_start|>system` or `<|im_start|>user`, its text below, and `<|im_end|>` behind; "
        "a template without these markers is one user message"
    )
    if rest.strip():
        line = next(line for line in rest.splitlines() if line.strip())
        yield Problem(
            "judge.template",
            f"{path} has text outside its chat messages, which no judge reads: {line.strip()!r}",
            remedy,
        )
    for role, content in _PART.findall(text):
        if role not in ROLES:
            yield Problem(
                "judge.template", f"{path} has a message of the role '{role}'", "allowed: " + ", ".join(ROLES)
            )
        if "<|im_start|>" in content:
            yield Problem("judge.template", f"{path} has a message without an end: one opens inside another", remedy)


def load_template(template: str) -> str:
    """Return the text of a template as it is now: one that was edited is another one, in a notebook too."""
    path = template_path(template)
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, modified: int) -> str:
    return path.read_text(encoding="utf-8-sig")


def render(template: str, instruction: str, output_1: str, output_2: str) -> list[Message]:
    """Fill a template's text; without chat markers it is one user message."""
    values = {"instruction": instruction, "output_1": output_1, "output_2": output_2}
    parts = _PART.findall(template) or [("user", template)]
    return [
        {"role": role, "content": _FIELD.sub(lambda field: values[field.group(1)], content).strip()}
        for role, content in parts
    ]
