"""Whether an answer keeps to the format that its row asks for, in the data set's field `checks`.

{"instruction": ..., "output": ..., "checks": {"format": {"json_schema": {...}, "max_words": 50, "language": "de"}}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal
from unicodedata import normalize

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from alpacabench.checks.answer_language import known, other_language
from alpacabench.checks.base import Check
from alpacabench.checks.forms import FENCE, FORMS, list_items, markup, table_rows
from alpacabench.core.records import Example, Finding

SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s+[^\sa-zß-ÿ]|\s*$)|[。！？]")
"""A mark before a small letter ends nothing (`e.g. this`)."""
ABBREVIATED = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Mx|Prof|St|Sr|Jr|Rev|Gen|Col|Capt|Lt|Gov|Sen|Rep|Fig|Eq|Vol|No|Nr|Hr|Fr|Sra|Mme|Mlle|M|vs|cf|"
    r"e\.g|i\.e|z\.\s?B|d\.\s?h|bzw|ca|approx)|\b[A-Z])\.(?=\s+\S)"
)
CHARACTER = re.compile(r"[\u4e00-\u9fff\u3040-\u30ff]")
"""Chinese and Japanese put no space between words: each character counts as one."""
APOSTROPHES = str.maketrans("’‘", "''")

Form = Literal["list", "numbered_list", "table", "code", "json", "yaml", "plain"]


class Limits(BaseModel):
    """What one row may ask for; what is absent is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    min_words: int | None = Field(None, ge=0)
    max_words: int | None = Field(None, ge=0)
    """What stands between spaces and holds a letter or digit; in Chinese and Japanese, characters."""
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
    """JSON Schema, by default draft 2020-12; implies `json`; its `format` (date, email, ...) is checked."""
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
        if value is not None and not known(value.lower().partition("-")[0]):
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

    version: ClassVar[int] = 2

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
        "words": _words(answer),
        "chars": len(answer.strip()),
        "sentences": _sentences(answer),
        "lines": len(lines),
    }
    for unit, size in sizes.items():
        least, most = getattr(limits, f"min_{unit}"), getattr(limits, f"max_{unit}")
        if least is not None and size < least:
            yield Finding(f"min_{unit}", f"{size} {unit}, at least {least} are asked for")
        if most is not None and size > most:
            yield Finding(f"max_{unit}", f"{size} {unit}, at most {most} are allowed")


def _words(answer: str) -> int:
    spaced = CHARACTER.sub(" ", answer)
    return sum(bool(re.search(r"\w", part)) for part in spaced.split()) + len(CHARACTER.findall(answer))


def _sentences(answer: str) -> int:
    text = ABBREVIATED.sub("", answer).strip()
    ends = [found.end() for found in SENTENCE_END.finditer(text)]
    # Words that follow on the last line are one more, though they lack their mark.
    rest = text[ends[-1] :] if ends else text
    return len(ends) + bool(rest.strip() and not ends) + (len(rest.split()) > 2 and bool(ends) and "\n" not in rest)


def _patterns(limits: Limits, answer: str) -> Iterator[Finding]:
    if limits.regex is not None and not re.search(limits.regex, answer):
        yield Finding("regex", f"nothing matches {limits.regex!r}")
    if limits.not_regex is not None and (found := re.search(limits.not_regex, answer)):
        yield Finding("not_regex", f"matches {limits.not_regex!r}", *found.span())
    plain = answer.translate(APOSTROPHES)
    composed = normalize("NFC", plain)
    for phrase in limits.must_include or ():
        if not _phrase(phrase).search(composed):
            yield Finding("must_include", f"{phrase!r} is missing")
    for phrase in limits.must_not_include or ():
        spans = [found.span() for found in _phrase(phrase).finditer(plain)]
        yield from (Finding("must_not_include", f"{phrase!r} is forbidden", *span) for span in spans)
        if not spans and _phrase(phrase).search(composed):
            yield Finding("must_not_include", f"{phrase!r} is forbidden")
    if limits.starts_with is not None and not answer.lstrip().startswith(limits.starts_with):
        yield Finding("starts_with", f"does not start with {limits.starts_with!r}")
    if limits.ends_with is not None and not answer.rstrip().endswith(limits.ends_with):
        yield Finding("ends_with", f"does not end with {limits.ends_with!r}")


@lru_cache(maxsize=1024)
def _phrase(phrase: str) -> re.Pattern[str]:
    phrase = normalize("NFC", phrase.translate(APOSTROPHES))
    words = r"\s+".join(map(re.escape, phrase.split())) or re.escape(phrase)
    left = r"(?<!\w)" if _bounded(phrase[:1]) else ""
    right = r"(?!\w)" if _bounded(phrase[-1:]) else ""
    return re.compile(left + words + right, re.IGNORECASE)


def _bounded(char: str) -> bool:
    """Whether words that begin or end so are set apart; not in scripts without spaces."""
    return char.isalnum() and not CHARACTER.match(char) and not "\u0e00" <= char <= "\u0eff"


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

        kind = validator_for(schema if isinstance(schema, dict) else {})
        checker = kind(schema, format_checker=kind.FORMAT_CHECKER)
        for error in sorted(checker.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))[:10]:
            where = "/".join(map(str, error.absolute_path)) or "the whole"
            yield Finding("json_schema", f"{where}: {error.message[:200]}")


def _parsed(answer: str) -> Any:
    """Return the JSON value of an answer, or a finding that says why there is none."""
    fenced = FENCE.match(answer)
    text = fenced[2] if fenced else answer.lstrip("\ufeff")
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return Finding("json", f"is no JSON{at}: {reason[:100]}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _language(limits: Limits, answer: str) -> Iterator[Finding]:
    wanted = limits.language.lower().partition("-")[0] if limits.language else None
    if wanted and (found := other_language(answer, wanted)):
        yield Finding("language", f"is in {found}, not in {wanted}")


def _form(limits: Limits, answer: str) -> Iterator[Finding]:
    form = limits.form
    rows = FORMS[form](answer) if form in FORMS else None
    if rows == 0:
        yield Finding("form", f"has no {str(form).replace('_', ' ')}")
    elif form == "plain" and markup(answer):
        yield Finding("form", "has lists, tables, headings or code where plain text is asked for")
    if limits.items is not None:
        count = rows if rows is not None else list_items(answer) or table_rows(answer)
        if count != limits.items:
            yield Finding("items", f"{count} items, {limits.items} are asked for")


RULES = (_sizes, _patterns, _json, _language, _form)
