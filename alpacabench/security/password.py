"""Passwords in URLs: a literal one is refused before anything writes it down, and none is shown."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from alpacabench.core.errors import Problem

AUTHORITY = re.compile(r"(\w+://(?:\$\{[^}]*\}|\$(?!\{)|[^/\s:@$])*:)(?!\$\{)[^/\s@]+@(?:[^/\s@\"',?#]*@)*")
"""Group 1 is what stands before the password; one that holds an @ itself goes up to the last."""
QUERY = re.compile(
    r"([?&](?:(?:ssl)?password|passwd|pwd|(?:access_|auth_)?token|api_?key)=)(?!\$\{)[^&#\s\"']+", re.IGNORECASE
)
"""Group 1 is what stands before the value; database drivers take passwords there too."""
URL = re.compile(r"\w+://\S+")


def password_problem(key: str, value: str) -> list[Problem]:
    """Return the problem of a URL with a literal password (which the message does not repeat), or nothing."""
    if hide_passwords(value, "") == value:
        return []
    remedy = "put it into an environment variable and write scheme://user:${oc.env:VAR}@host"
    return [Problem(key, "holds a URL with a literal password", remedy)]


def hide_passwords(text: str, hidden: str) -> str:
    """Return the text with `hidden` in place of every password in a URL, of its authority and of its query."""
    if "://" not in text:
        return text
    text = AUTHORITY.sub(rf"\1{hidden}@", text)
    return URL.sub(lambda url: QUERY.sub(rf"\1{hidden}", url[0]), text)


def passwords(url: str) -> set[str]:
    """Return the passwords of a URL, as they stand there, quoted and unquoted.

    One that is the user's name as well (mlflow:mlflow@) is no secret, and is a word of many texts.
    """
    try:
        parts = urlsplit(url)
        user, found = parts.username, [parts.password] if parts.password else []
        _ = parts.port
    except ValueError:
        # An unquoted / or # in the password ends the host too early.
        user, _, password = url.partition("://")[2].rpartition("@")[0].partition(":")
        found = [password]
    found += [match[0].removeprefix(match[1]) for match in QUERY.finditer(url)]
    forms = {form for text in found for form in (text, unquote(text), quote(unquote(text), safe=""))}
    return forms - {"", user}


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL without user name and password, and the header that sends them: urlopen takes them for a port."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if not parts.password:
        return bare, {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
    return bare, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
