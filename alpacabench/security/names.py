"""Which variables of the environment, and which names in the query of a URL, hold a secret."""

from __future__ import annotations

import re

_SURE = r"API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIAL"
_LAST = (
    r"(?:^|_)(?:KEY|PASS|PWD|PAT|AUTH|AUTHORIZATION|BEARER|COOKIE|JWT|SAS|SIG|SIGNATURE|CREDS|LICEN[SC]E)|TOKEN|APIKEY"
)
_NAME = re.compile(rf"(?:{_SURE})|(?:{_LAST})S?(?:_?\d+)?$", re.IGNORECASE)
_ABOUT = re.compile(r"_(?:FILE|PATH|DIR|NAME|ID|URL|URI|HOST|TYPE|VERSION|MODE|COUNT|LENGTH|EXPIRY)$", re.IGNORECASE)
"""Such a variable tells where a secret is, or what kind it is."""
_SHAPE = re.compile(
    r"(?:sk|pk|rk)-[\w-]{16,}|hf_\w{20,}|gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{16,}|AIza[\w-]{30,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[a-z]-[\w-]{10,}|dapi[0-9a-f]{30,}|gsk_\w{20,}|r8_\w{20,}|nvapi-[\w-]{20,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+"
)
"""The keys of well-known services, whatever their variable is called."""
WORKING_DIRECTORIES = ("PWD", "OLDPWD")

_QUERY = (
    r"[\w.-]*?(?:key|secret|token|passw(?:or)?d|passwd|pwd|passphrase|signature|credentials?|authorization|jwt|bearer)"
    r"|(?:[\w.-]*[_.-])?(?:pass|sig|code|auth|sas|pat|creds|cookie|session|hmac)"
)
QUERY_NAME = re.compile(rf"(?!ssl_?key=)(?:{_QUERY})=", re.IGNORECASE)
"""A name in a query, with its =; database drivers take passwords there too, and the path of a key as sslkey."""


def holds_secret(name: str, value: str) -> bool:
    """Return whether a variable's value is a secret: OPENAI_API_KEY's is, TOKENIZERS_PARALLELISM's is not."""
    if name in WORKING_DIRECTORIES:
        return False
    return bool(_NAME.search(name) and not _ABOUT.search(name)) or bool(_SHAPE.fullmatch(value))
