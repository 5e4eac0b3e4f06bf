"""Passwords in URLs: a literal one is refused before anything writes it down, and none is shown."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from alpacabench.core.errors import Problem
from alpacabench.security.names import QUERY_NAME

AUTHORITY = re.compile(r"(\w+://(?:\$\{[^}]*\}|\$(?!\{)|[^/\s:@$])*:)(?!\$\{)[^/\s@]+@(?:[^/\s@\"',?#]*@)*")
"""Group 1 is what stands before the password; one that holds an @ itself goes up to the last."""
QUERY = re.compile(rf"([?&;#]{QUERY_NAME.pattern})(?!\$\{{)[^&#;\s\"']+", re.IGNORECASE)
"""Group 1 is what stands before the value."""
URL = re.compile(r"\w+://\S+")


def password_problem(key: str, value: str) -> list[Problem]:
    """Return the problem of a URL with a literal password (which the message does not repeat), or nothing."""
    if hide_passwords(value, "") == value:
        return []
    put = "put it into an environment variable and write"
    remedy = f"{put} scheme://user:${{oc.env:VAR}}@host, or ?name=${{oc.env:VAR}}, in single quotes"
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


def put_in(raw: str, resolved: str) -> set[str]:
    """Return what interpolations put into a URL where no secret-looking name stands: into its log-in and its query.

    Whatever the variable is called, and whatever the name in the query: what stands there is for the server alone.

    Args:
        raw: the URL with its interpolations, `http://h/v1?x=${oc.env:VAR}`.
        resolved: the same with their values.

    """
    if "://" not in resolved or "${" not in raw:
        return set()
    found = set(passwords(resolved))
    query = resolved.partition("?")[2].partition("#")[0]
    if "${" in raw.partition("?")[2]:
        literal = set(re.split(r"[?&;#]", raw))
        values = [part.partition("=")[2] or part for part in re.split("[&;]", query) if part not in literal]
        found |= {form for value in values for form in (value, unquote(value))}
    return found - {""}


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL without user name and password, and the header that sends them: urlopen takes them for a port."""
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if not parts.password:
        return bare, {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
    return bare, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
