"""Keys and passwords in an answer, by the shapes that their issuers document."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from alpacabench.checks.base import Check
from alpacabench.checks.issuers import SHAPES
from alpacabench.core.records import Example, Finding

_NAMES = (
    r"password|passwd|passphrase|pwd|secret|api[_ -]?key|access[_ -]?key|private[_ -]?key|auth[_ -]?token|"
    r"access[_ -]?token|token"
)
_WORDS = r"passwort|kennwort|contraseña|senha|mot de passe|wachtwoord|hasło|пароль|密码|密碼|パスワード|비밀번호|clave"
_VALUE = r"[^\s\"'`,;<>(){}\[\]«»“”*]{6,200}"
GUESSES = {
    "url_password": r"\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@\"'<>]{0,100}:(?P<url>[^\s/@\"'<>]{3,200})@[^\s/\"'<>]+",
    "assigned": (
        rf"\b[\w-]{{0,40}}(?:{_NAMES})[\w-]{{0,20}}[\"'*]{{0,3}}\s*(?:=|:=|:|：|=>)[\s*]*(?P<quote>[\"'`])?"
        rf"(?P<value>{_VALUE})(?(quote)(?P=quote))"
    ),
    "told": (
        rf"(?:\b(?:{_NAMES})\b|{_WORDS})[*]{{0,2}}(?:\s?(?:[:：=]|\b(?:is(?: now| set to)?|ist|es|est)\b)|\s[—-]\s)"
        rf"[\s*]*(?P<quote>[\"'`“])?(?P<value>{_VALUE})(?(quote)[\"'`”])"
    ),
    "header": (
        r"\b(?:Authorization|X-API-Key|X-Auth-Token|Api-Key)[\"']?\s*[:=]\s*[\"']?(?:(?:Bearer|Basic|Token|SSWS)\s+)?"
        r"(?P<value>[A-Za-z0-9._~+/=-]{16,})"
    ),
    "curl_user": r"\bcurl\b[^\n]{0,200}\s(?:-u|--user)\s*[\"']?[^\s:\"']{1,60}:(?P<value>[^\s\"']{4,100})",
}
"""Shapes of no issuer: what stands where a secret would."""
PATTERNS = {name: re.compile(shape, re.ASCII) for name, shape in SHAPES.items()}
PATTERNS |= {name: re.compile(shape, re.IGNORECASE) for name, shape in GUESSES.items()}
PLACEHOLDER = re.compile(
    r"your|example|sample|placeholder|change_?me|replace|dummy|fake|insert|todo|redacted|xxxx|\*\*\*|\.\.\.|…|<|\$\{|\{\{|"
    r"^\$|^%|^!vault|env|1234567|abcdef|password$|^secret$|^(.)\1+$|foobar|test_?key|mysecret|my_|^user|^pass",
    re.IGNORECASE,
)
"""What documentation writes where a secret belongs."""
DOCUMENTED = re.compile(r"your|EXAMPLE(?:KEY)?$|xxxx|\*\*\*|\.\.\.|…|placeholder|(.)\1{7,}", re.IGNORECASE)
"""What it writes inside an issuer's own shape."""
MIN_BITS = 2.5
"""Bits per character (Shannon) below which a value given to a variable is a word, no key."""
NO_VALUE = re.compile(
    r"/|~/|https?:|[A-Z]:\\\\|(?:[A-Z][a-z]+[+-])+[A-Z][a-z]*$|[a-z]+(?:[-_.][a-z\d]{1,8})+$|[\d.,/:-]+$"
)
"""Paths, links, keys of a keyboard, words with dashes, and numbers alone."""


class Secrets(Check):
    """Finds keys and passwords; what the prompt itself holds, and placeholders of documentation, are no findings."""

    masked: ClassVar[bool] = True
    version: ClassVar[int] = 2

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield each secret once, the most telling shape first."""
        taken: list[tuple[int, int]] = []
        for name, pattern in PATTERNS.items():
            for found in pattern.finditer(answer):
                start, end = _value(found)
                value = answer[start:end]
                if value in example.instruction or any(s < end and start < e for s, e in taken):
                    continue
                if not _is_secret(name, value):
                    continue
                taken.append((start, end))
                yield Finding(name, f"a secret ({name.replace('_', ' ')})", start, end)


def _value(found: re.Match[str]) -> tuple[int, int]:
    """Return the span of the secret itself, without the variable or the URL around it."""
    for group in ("value", "url"):
        if group in found.re.groupindex and found.group(group) is not None:
            return found.span(group)
    return found.span()


def _is_secret(name: str, value: str) -> bool:
    if name == "private_key":
        return _has_body(value)
    if name in SHAPES:
        return not DOCUMENTED.search(value)
    if PLACEHOLDER.search(value):
        return False
    if name == "told":
        # In a sentence a word follows as well; a password is what no word is.
        return bool(re.search(r"\d", value)) and _looks_random(value.rstrip(".:!?")) and not NO_VALUE.match(value)
    return name in ("url_password", "curl_user") or (_looks_random(value) and not NO_VALUE.match(value))


def _has_body(block: str) -> bool:
    """Whether a key block holds a key: characters of base64 in a row that are no placeholder."""
    body = block.partition("PRIVATE KEY")[2].partition("-----")[2]
    return bool(re.search(r"[A-Za-z0-9+/]{16,}", body.partition("-----END")[0]))


def _looks_random(value: str) -> bool:
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", r"\d", r"[^\w\s]"))
    return bits >= MIN_BITS and kinds >= 2 and bool(re.search(r"\d|[^\w\s.:/-]", value))
