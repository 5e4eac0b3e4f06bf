"""Categories by ordered keyword rules, and structural tags: labels of a prompt that need no model.

The rules are a YAML file that anyone may copy and edit (`dataset.taxonomy=FILE`); the first rule that matches wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alpacabench.core.errors import DataError, allowed
from alpacabench.core.spans import head_end
from alpacabench.dataset.needed_words import SparedSearch, in_lower_case
from alpacabench.io.rows import missing_file

SHIPPED = Path(__file__).parent / "taxonomy.yaml"
KEY = "dataset.taxonomy"
PLACES = ("task", "text")


@dataclass(frozen=True, slots=True)
class Rule:
    """One category and the patterns that give it."""

    category: str
    searches: tuple[SparedSearch, ...]
    whole_text: bool
    """Whether the input after the first blank line is searched too."""

    def matches(self, text: str, plain: str | None) -> bool:
        """Return whether any pattern is found; `plain` is the text in lower case, None where that tells nothing."""
        return any(search.found(text, plain) for search in self.searches)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """An ordered list of rules with a version."""

    version: str
    rules: tuple[Rule, ...]
    default: str
    """The category where no rule matches."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Every category, in the order of the rules, the default last."""
        return tuple(dict.fromkeys([*(rule.category for rule in self.rules), self.default]))

    def label(self, instruction: str) -> str:
        """Return the category of the first rule that matches."""
        texts = [(text, in_lower_case(text)) for text in (task_of(instruction), instruction)]
        found = (rule.category for rule in self.rules if rule.matches(*texts[rule.whole_text]))
        return next(found, self.default)


@cache
def read_taxonomy(path: str | None = None) -> Taxonomy:
    """Return the rules of a YAML file; None is the one that ships.

    Raises:
        DataError: the file is missing or broken; names the rule.

    """
    import yaml

    file = Path(path).expanduser() if path else SHIPPED
    for problem in missing_file(file, KEY):
        raise DataError(str(problem))
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{KEY}: cannot read {file}: {error}\n    give a YAML file like {SHIPPED.name}") from error
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list) or "version" not in content:
        raise DataError(f"{KEY}: {file} needs the keys 'version' and 'rules' (a list)\n    copy {SHIPPED} and edit it")
    _refuse_unknown(content, ("version", "default", "rules"), str(file))
    rules = tuple(_rule(rule, f"{file}, rule {number}") for number, rule in enumerate(content["rules"], start=1))
    return Taxonomy(str(content["version"]), rules, str(content.get("default", "other")))


def label(instruction: str) -> str:
    """Return the category of an instruction by the rules that ship."""
    return read_taxonomy().label(instruction)


def task_of(instruction: str) -> str:
    """Return the text up to the first blank line: the task without its input."""
    text = instruction.strip()
    return text[: head_end(text)]


def _rule(rule: Any, where: str) -> Rule:
    if not isinstance(rule, dict) or not rule.get("category") or not isinstance(rule.get("any"), list):
        raise DataError(f"{KEY}: {where}: given {rule!r}; a rule needs 'category' and 'any' (a list of patterns)")
    _refuse_unknown(rule, ("category", "any", "in"), where)
    place = rule.get("in", "task")
    if place not in PLACES:
        raise DataError(f"{KEY}: {where}: 'in' is {place!r}; {allowed(place, PLACES)}")
    searches = tuple(SparedSearch.of(_pattern(text, where)) for text in rule["any"])
    return Rule(str(rule["category"]), searches, place == "text")


def _pattern(text: Any, where: str) -> re.Pattern[str]:
    try:
        return re.compile(str(text).replace(" ", r"\s"), re.IGNORECASE | re.MULTILINE | re.DOTALL)
    except re.error as error:
        raise DataError(f"{KEY}: {where}: {text!r} is no regular expression: {error}") from error


def _refuse_unknown(mapping: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in mapping:
        if name not in known:
            raise DataError(f"{KEY}: {where}: unknown key {name!r}; {allowed(name, known)}")


LENGTH_ASK = re.compile(
    r"\b(\d+|one|two|three|four|five|six|seven|eight|ten|few|single|fifty|hundred)[- ]?(to \d+ )?"
    r"(words?|characters?|sentences?|paragraphs?|lines?|pages?|tokens|syllables)\b"
    r"|\b(brief|briefly|concise|concisely|in short|short \w+, |keep it short|as short as)\b",
    re.IGNORECASE,
)
LAYOUT_ASK = re.compile(r"\b(list|table|bullets?|bullet points|steps?|numbered|csv|json)\b", re.IGNORECASE)
LITERAL = re.compile(r"```|`[^`\n]+`|\"[^\"\n]{10,}\"|“[^”\n]{10,}”")
"""Code, or a quotation of ten characters and more: shorter ones are names."""
NON_LATIN = re.compile(r"[^\u0000-\u024f\u1e00-\u22ff]")
TAGS: dict[str, Callable[[str], object] | SparedSearch] = {
    "multi_line_input": lambda text: "\n" in text.strip(),
    "over_500_characters": lambda text: len(text) > 500,
    "length_ask": SparedSearch.of(LENGTH_ASK),
    "list_table_steps_ask": SparedSearch.of(LAYOUT_ASK),
    "digits": re.compile(r"\d").search,
    "no_final_punctuation": lambda text: text.rstrip()[-1:].isalnum(),
    "lower_case_start": lambda text: text.lstrip()[:1].islower(),
    "please": SparedSearch.of(re.compile(r"\bplease\b", re.IGNORECASE)),
    "quoted_or_code_literal": LITERAL.search,
    "non_latin": lambda text: not text.isascii() and NON_LATIN.search(text),
}
"""Structural tags by name, each with its test; they overlap."""


def tags(instruction: str) -> tuple[str, ...]:
    """Return the structural tags of an instruction, in the order of `TAGS`."""
    plain = in_lower_case(instruction)
    return tuple(
        name
        for name, test in TAGS.items()
        if (test.found(instruction, plain) if isinstance(test, SparedSearch) else test(instruction))
    )
