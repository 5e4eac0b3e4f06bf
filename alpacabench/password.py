"""A literal password in a URL is refused before anything writes it down."""

from __future__ import annotations

import re

from alpacabench.errors import Problem

LITERAL_PASSWORD = re.compile(r"(\w+://[^/\s:@]*:)(?!\$\{)[^/\s@]+@")
"""Group 1 is what stands before the password."""


def password_problem(key: str, value: str) -> list[Problem]:
    """Return the problem of a URL with a literal password (which the message does not repeat), or nothing."""
    if not LITERAL_PASSWORD.search(value):
        return []
    remedy = "put it into an environment variable and write scheme://user:${oc.env:VAR}@host"
    return [Problem(key, "holds a URL with a literal password", remedy)]
