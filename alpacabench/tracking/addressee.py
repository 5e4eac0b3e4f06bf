"""Which server a record that waits may name: a directory from elsewhere must not say who gets a password or token."""

from __future__ import annotations

import os
from pathlib import Path

from alpacabench.core.errors import ConfigError, StageError
from alpacabench.security.redact import HIDDEN, redact
from alpacabench.tracking import uri as uris
from alpacabench.tracking.mlflow_internals import sent_unasked


def addressee(record: Path, kept: str, given: str | None, option: str = "--uri") -> str:
    """Return where to send what a record belongs to.

    Args:
        record: the file that says where.
        kept: what it says, without a password.
        given: what the user says, which wins.
        option: by which the user says it.

    Raises:
        StageError: a password is missing, or what `require_own` raises.
        ConfigError: MLFLOW_TRACKING_URI is no URI that MLflow can use.

    """
    if given:
        return uris.tracking_uri(given)
    if HIDDEN not in kept:
        require_own(record, kept, option)
        return uris.tracking_uri(kept)
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        raise StageError(f"the password of {kept} is not written down: give {option}, or set MLFLOW_TRACKING_URI")
    if problems := list(uris.check(None)):
        raise ConfigError(problems)
    return uris.tracking_uri(None)


def require_own(record: Path, uri: str, option: str = "--uri") -> None:
    """Refuse a record where somebody else may have chosen its server, or where credentials would go there.

    Args:
        record: the file that says where something should go.
        uri: what it says.
        option: by which the user lets it pass.

    Raises:
        StageError: it is no file of this user, or credentials of the environment would go along to a server that is
            not the one of MLFLOW_TRACKING_URI; the option with this server lets it pass.

    """
    chosen = os.environ.get("MLFLOW_TRACKING_URI")
    if chosen and chosen.rstrip("/") == uri.rstrip("/"):
        return
    remedy = f"is that where it should go, give {option} '{redact(uri)}'"
    if not all(_of_this_user(path) for path in (record, record.parent)):
        raise StageError(f"{record} is not this user's own file, and says that it goes to {redact(uri)}: {remedy}")
    # A file that was unpacked or cloned is this user's own as well.
    if uris.sqlite_path(uri) is None and (secret := sent_unasked()):
        raise StageError(
            f"{record} alone says that it goes to {redact(uri)}, and {secret} would be sent along: {remedy}, or set "
            "MLFLOW_TRACKING_URI"
        )


def _of_this_user(path: Path) -> bool:
    """Return whether nobody else could write it; where files have no owners, whether it is there."""
    found = path.lstat()
    return not hasattr(os, "geteuid") or (found.st_uid == os.geteuid() and not found.st_mode & 0o002)
