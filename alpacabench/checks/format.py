"""Whether an answer keeps to the format that its row asks for, in the data set's field `checks`.

{"instruction": ..., "output": ..., "checks": {"format": {"json_schema": {...}, "max_words": 50, "language": "de"}}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alpacabench.checks.base import Check
from alpacabench.core.language import NAMES, in_language
from alpacabench.core.records import Example, Finding

SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*(?=\s|$)|[。！？]")
FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*\Z", re.DOTALL)
ITEM = re.compile(r"[ \t]*(?:[-*+•‣–]|\d{1,3}[.)])[ \t]+\S")
NUMBERED = re.compile(r"[ \t]*(\d{1,3})[.)][ \t]+\S")
TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-{1,}:?[ \t]*(?:\|[ \t]*:?-{1,}:?[ \t]*)*\|?[ \t]*")

Form = Literal["list", "numbered_list", "table", "code", "json", "yaml", "plain"]


class Limits(BaseModel):
    """What one row may ask for; what is absent is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    min_words: int | None = Field(None, ge=0)
    max_words: int | None = Field(None, ge=0)
    min_chars: int | None = Field(None, ge=0)
    max_chars: int | None = Field(None, ge=0)
    min_sentences: int | None = Field(None, ge=0)
    max_sentences: int | None = Field(None, ge=0)
    min_lines: int | None = Field(None, ge=0)
    max_lines: int | None = Field(None, ge=0)
    """Lines that are not blank."""
    regex: str | None = None
    """Found anywhere in the answer (Python's `re`); \\A and \\Z bind it to the ends."""
    not_regex: str | None = None
    json_: bool | None = Field(None, alias="json")
    """The whole answer is JSON; one code fence around it is allowed."""
    json_schema: dict[str, Any] | bool | None = None
    """JSON Schema, by default draft 2020-12; implies `json`."""
    language: str | None = None
    """ISO 639-1, as `de`."""
    form: Form | None = None
    items: int | None = Field(None, ge=0)
    """Exactly so many items of the list, or rows of the table."""
    must_include: list[str] | None = None
    """Words or phrases; case does not count, and a word is not found inside another one."""
    must_not_include: list[str] | None = None
    starts_with: str | None = None
    ends_with: str | None = None

    @field_validator("regex", "not_regex")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"is no regular expression: {error}") from error
        return value

    @field_validator("json_schema")
    @classmethod
    def _is_schema(cls, value: Any) -> Any:
        if isinstance(value, dict):
            from jsonschema.exceptions import SchemaError
            from jsonschema.validators import validator_for

            try:
                validator_for(value).check_schema(value)
            except SchemaError as error:
                raise ValueError(f"is no JSON schema: {error.message}") from error
        return value

    @field_validator("language")
    @classmethod
    def _is_language(cls, value: str | None) -> str | None:
        if value is not None and value.lower().partition("-")[0] not in _identifier().labels:
            raise ValueError("is no language that can be told; give two letters of ISO 639-1, such as de")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        for unit in ("words", "chars", "sentences", "lines"):
            least, most = getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")
            if least is not None and most is not None and least > most:
                raise ValueError(f"min_{unit} is above max_{unit}: no answer can keep to both")
        return self


class Format(Check):
    """Checks each limit that the row gives; a row without limits is not checked."""

    def applies(self, example: Example) -> bool:
        """Return whether the row gives limits."""
        return bool(example.checks.get("format"))

    def limits(self, example: Example, name: str = "format") -> Mapping[str, Any]:
        """Return the row's limits.

        Raises:
            pydantic.ValidationError: an unknown limit, or a value that it cannot have.

        """
        given = example.checks.get(name) or {}
        Limits.model_validate(given)
        return given

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield one finding for each limit that the answer breaks."""
        limits = Limits.model_validate(example.checks.get("format") or {})
        for rule in RULES:
            yield from rule(limits, answer)


def _sizes(limits: Limits, answer: str) -> Iterator[Finding]:
    lines = [line for line in answer.splitlines() if line.strip()]
    sizes = {
        "words": sum(bool(re.search(r"\w", part)) for part in answer.split()),
        "chars": len(answer.strip()),
        "sentences": len(SENTENCE_END.findall(answer)) or int(bool(answer.strip())),
        "lines": len(lines),
    }
    for unit, size in sizes.items():
        least, most = getattr(limits, f"min_{unit}"), getattr(limits, f"max_{unit}")
        if least is not None and size < least:
            yield Finding(f"min_{unit}", f"{size} {unit}, at least {least} are asked for")
        if most is not None and size > most:
            yield Finding(f"max_{unit}", f"{size} {unit}, at most {most} are allowed")


def _patterns(limits: Limits, answer: str) -> Iterator[Finding]:
    if limits.regex is not None and not re.search(limits.regex, answer):
        yield Finding("regex", f"nothing matches {limits.regex!r}")
    if limits.not_regex is not None and (found := re.search(limits.not_regex, answer)):
        yield Finding("not_regex", f"matches {limits.not_regex!r}", *found.span())
    for phrase in limits.must_include or ():
        if not _phrase(phrase).search(answer):
            yield Finding("must_include", f"{phrase!r} is missing")
    for phrase in limits.must_not_include or ():
        for found in _phrase(phrase).finditer(answer):
            yield Finding("must_not_include", f"{phrase!r} is forbidden", *found.span())
    if limits.starts_with is not None and not answer.lstrip().startswith(limits.starts_with):
        yield Finding("starts_with", f"does not start with {limits.starts_with!r}")
    if limits.ends_with is not None and not answer.rstrip().endswith(limits.ends_with):
        yield Finding("ends_with", f"does not end with {limits.ends_with!r}")


@lru_cache(maxsize=1024)
def _phrase(phrase: str) -> re.Pattern[str]:
    words = r"\s+".join(map(re.escape, phrase.split())) or re.escape(phrase)
    left = r"(?<!\w)" if phrase[:1].isalnum() else ""
    right = r"(?!\w)" if phrase[-1:].isalnum() else ""
    return re.compile(left + words + right, re.IGNORECASE)


def _json(limits: Limits, answer: str) -> Iterator[Finding]:
    schema = limits.json_schema
    if not limits.json_ and schema is None and limits.form != "json":
        if limits.json_ is False and not isinstance(_parsed(answer), Finding):
            yield Finding("json", "is JSON, which is not wanted")
        return
    value = _parsed(answer)
    if isinstance(value, Finding):
        yield value
    elif schema is not None:
        from jsonschema.validators import validator_for

        checker = validator_for(schema if isinstance(schema, dict) else {})(schema)
        for error in sorted(checker.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))[:10]:
            where = "/".join(map(str, error.absolute_path)) or "the whole"
            yield Finding("json_schema", f"{where}: {error.message[:200]}")


def _parsed(answer: str) -> Any:
    """Return the JSON value of an answer, or a finding that says why there is none."""
    fenced = FENCE.match(answer)
    text = fenced[1] if fenced else answer
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return Finding("json", f"is no JSON{at}: {reason[:100]}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _language(limits: Limits, answer: str) -> Iterator[Finding]:
    if limits.language is None:
        return
    text = re.sub(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", " ", answer, flags=re.DOTALL)
    wanted = limits.language.lower().partition("-")[0]
    # A few letters are in no language, or in many.
    if sum(char.isalpha() for char in text) < (4 if not text.isascii() else 12):
        return
    found = _identifier().classify(text[:4000])[0]
    if found == wanted or {found, wanted} <= _alike(wanted):
        return
    # On a short text the model errs; a language whose small words we know must be contradicted by them, too.
    if wanted not in NAMES or not in_language(text, wanted):
        yield Finding("language", f"is in {found}, not in {wanted}")


def _alike(language: str) -> set[str]:
    """Return the languages that a page of text does not tell apart for certain."""
    groups = ({"no", "nb", "nn", "da"}, {"hr", "bs", "sr"}, {"id", "ms"}, {"cs", "sk"}, {"gl", "pt"}, {"fa", "ps"})
    return next((group for group in groups if language in group), {language})


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE)


def _form(limits: Limits, answer: str) -> Iterator[Finding]:
    form = limits.form
    rows = FORMS[form](answer) if form in FORMS else None
    if rows == 0:
        yield Finding("form", f"has no {str(form).replace('_', ' ')}")
    elif form == "plain" and (_markup(answer)):
        yield Finding("form", "has lists, tables, headings or code where plain text is asked for")
    if limits.items is not None:
        count = rows if rows is not None else _list_items(answer) or _table_rows(answer)
        if count != limits.items:
            yield Finding("items", f"{count} items, {limits.items} are asked for")


def _list_items(answer: str) -> int:
    return sum(bool(ITEM.match(line)) for line in _outside_code(answer))


def _numbered_items(answer: str) -> int:
    return sum(bool(NUMBERED.match(line)) for line in _outside_code(answer))


def _table_rows(answer: str) -> int:
    """Return the rows of Markdown tables without their heads; a table has a rule below its head."""
    lines, rows = _outside_code(answer), 0
    for at, line in enumerate(lines[1:], start=1):
        if "|" in lines[at - 1] and "-" in line and TABLE_RULE.fullmatch(line):
            below = at + 1
            while below < len(lines) and "|" in lines[below]:
                below, rows = below + 1, rows + 1
    return rows


def _code_blocks(answer: str) -> int:
    return len(re.findall(r"^[ \t]*```", answer, re.MULTILINE)) // 2


def _yaml(answer: str) -> int:
    import yaml

    fenced = FENCE.match(answer)
    try:
        value = yaml.safe_load(fenced[1] if fenced else answer)
    except (yaml.YAMLError, RecursionError, ValueError):
        return 0
    return len(value) if isinstance(value, dict | list) else 0


def _outside_code(answer: str) -> list[str]:
    return re.sub(r"```.*?(?:```|\Z)", "", answer, flags=re.DOTALL).splitlines()


def _markup(answer: str) -> bool:
    headings = re.search(r"^#{1,6}[ \t]+\S|\*\*\S[^*\n]*\*\*", answer, re.MULTILINE)
    return bool(headings or "```" in answer or _list_items(answer) or _table_rows(answer))


FORMS: dict[str | None, Callable[[str], int]] = {
    "list": _list_items, "numbered_list": _numbered_items, "table": _table_rows, "code": _code_blocks, "yaml": _yaml,
}  # fmt: skip
"""How many items, rows or blocks of each form an answer has."""
RULES = (_sizes, _patterns, _json, _language, _form)
