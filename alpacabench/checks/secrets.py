"""Keys and passwords in an answer, by the shapes that their issuers document."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from alpacabench.checks.base import Check
from alpacabench.core.records import Example, Finding

SHAPES = {
    "private_key": (
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[\s\S]{0,8000}?-----END [A-Z0-9 ]{0,40}-----)?"
    ),
    "aws_access_key": r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}\b",
    "anthropic": r"\bsk-ant-[A-Za-z0-9_-]{20,}",
    "openai": r"\bsk-(?:proj-|svcacct-|admin-)[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{20,64}\b",
    "openrouter": r"\bsk-or-(?:v1-)?[A-Za-z0-9]{20,}",
    "google_api": r"\bAIza[\w-]{35}(?![\w-])",
    "google_oauth": r"\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
    "github": r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}",
    "gitlab": r"\bgl(?:pat|dt|rt|ptt|oas)-[\w-]{20,}",
    "slack": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|https://hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}",
    "stripe": r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}\b|\bwhsec_[A-Za-z0-9]{24,}\b",
    "hugging_face": r"\bhf_[A-Za-z]{30,}\b|\bapi_org_[A-Za-z]{30,}\b",
    "npm": r"\bnpm_[A-Za-z0-9]{36}\b",
    "pypi": r"\bpypi-[\w-]{50,}",
    "sendgrid": r"\bSG\.[\w-]{16,32}\.[\w-]{16,64}",
    "twilio": r"\bSK[0-9a-f]{32}\b",
    "telegram_bot": r"\b\d{8,10}:AA[\w-]{32,35}(?![\w-])",
    "discord_bot": r"\b[MNO][A-Za-z\d]{23,27}\.[\w-]{6}\.[\w-]{27,}",
    "digitalocean": r"\bdo[opr]_v1_[0-9a-f]{64}\b",
    "databricks": r"\bdapi[0-9a-f]{32}\b",
    "mailgun": r"\bkey-[0-9a-f]{32}\b",
    "azure_storage": r"\bAccountKey=[A-Za-z0-9+/]{80,}={0,2}",
    "groq": r"\bgsk_[A-Za-z0-9]{40,}\b",
    "xai": r"\bxai-[A-Za-z0-9]{40,}\b",
    "jwt": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "url_password": r"\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@\"'<>]{1,100}:(?P<url>[^\s/@\"'<>]{3,200})@[^\s/\"'<>]+",
    "assigned": (
        r"\b[\w-]{0,40}(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|token)"
        r"[\w-]{0,20}[\"']?\s*(?:=|:=|:|=>)\s*(?P<quote>[\"'])?(?P<value>[^\s\"'`,;<>(){}\[\]]{8,200})(?(quote)(?P=quote))"
    ),
    "bearer": r"\bAuthorization[\"']?\s*[:=]\s*[\"']?(?:Bearer|Basic)\s+(?P<bearer>[A-Za-z0-9._~+/=-]{16,})",
}
"""Key shapes by issuer (its own documentation of its tokens), and values given to a variable that says `secret`."""
PATTERNS = {name: re.compile(shape, re.IGNORECASE if name in ("assigned", "bearer", "url_password") else 0)
            for name, shape in SHAPES.items()}  # fmt: skip
PLACEHOLDER = re.compile(
    r"your|example|sample|placeholder|change_?me|replace|dummy|fake|insert|todo|redacted|xxxx|\*\*\*|\.\.\.|…|<|\$\{|\{\{|"
    r"^\$|^%|env|1234567|abcdef|password$|^secret$|^(.)\1+$|foobar|test_?key|mysecret|my_|^user|^pass",
    re.IGNORECASE,
)
"""What documentation writes where a secret belongs."""
DOCUMENTED = re.compile(r"your|EXAMPLE(?:KEY)?$|xxxx|\*\*\*|\.\.\.|…|placeholder|(.)\1{7,}", re.IGNORECASE)
"""What it writes inside an issuer's own shape."""
MIN_BITS = 2.5
"""Bits per character (Shannon) below which a value given to a variable is a word, no key."""
GUESSED = {"url_password", "assigned", "bearer"}
"""Shapes of no issuer: what stands where a secret would."""


class Secrets(Check):
    """Finds keys and passwords; what the prompt itself holds, and placeholders of documentation, are no findings."""

    masked: ClassVar[bool] = True

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
    for group in ("value", "url", "bearer"):
        if group in found.re.groupindex and found.group(group) is not None:
            return found.span(group)
    return found.span()


def _is_secret(name: str, value: str) -> bool:
    if name == "private_key":
        return _has_body(value)
    if name not in GUESSED:
        return not DOCUMENTED.search(value)
    return not PLACEHOLDER.search(value) and (name == "url_password" or _looks_random(value))


def _has_body(block: str) -> bool:
    """Whether a key block holds a key: at least 40 characters of base64 that are no placeholder."""
    lines = block.split("-----")[2:3]
    return bool(lines) and bool(re.search(r"[A-Za-z0-9+/]{16,}", lines[0]))


def _looks_random(value: str) -> bool:
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    kinds = sum(bool(re.search(kind, value)) for kind in ("[a-z]", "[A-Z]", r"\d", r"[^\w\s]"))
    return bits >= MIN_BITS and kinds >= 2 and bool(re.search(r"\d|[^\w\s.:/-]", value))
