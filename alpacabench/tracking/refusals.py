"""What MLflow refuses is left out and told; the rest of a run is written, and the run ends."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from alpacabench.core.records import digest
from alpacabench.security.output import shown
from alpacabench.security.redact import first_line

log = logging.getLogger(__name__)

KEY_LENGTH = 250
"""Characters of the name of a parameter, a metric or a tag."""
NOT_IN_NAMES = re.compile(r"[^/\w.\- :]")
OUTAGES = frozenset({"TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED"})
"""MLflow's codes of errors that go away; the others say that this call will never be taken."""
TOLD = 3

Item = TypeVar("Item")


@dataclass
class Refused:
    """What was left out of one run, and why."""

    parts: list[str] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Note a refusal of what the block sends; whatever else is wrong is raised."""
        try:
            yield
        except Exception as error:
            if not is_refusal(error):
                raise
            self.parts.append(f"{name} ({shown(first_line(error))})")

    def send(self, kind: str, items: Sequence[Item], send: Callable[[Sequence[Item]], object]) -> None:
        """Send items together; where that is refused, each half alone, down to those that are the reason."""
        if not items:
            return
        try:
            send(items)
        except Exception as error:
            if not is_refusal(error):
                raise
            if len(items) == 1:
                name = getattr(items[0], "key", "")
                self.parts.append(f"{kind} {shown(str(name))!r} ({shown(first_line(error))})")
                return
            middle = len(items) // 2
            self.send(kind, items[:middle], send)
            self.send(kind, items[middle:], send)

    def tell(self, directory: Path) -> None:
        """Warn of what was left out."""
        if self.parts:
            more = f" and {len(self.parts) - TOLD} more" if len(self.parts) > TOLD else ""
            log.warning(
                "MLflow does not take %s%s: the run there ends without; all of it is in %s",
                "; ".join(self.parts[:TOLD]), more, directory,
            )  # fmt: skip


def is_refusal(error: Exception) -> bool:
    """Return whether a call would be answered in the same way for ever: it is not the server that is away."""
    from mlflow.exceptions import MlflowException
    from requests import HTTPError, RequestException

    if isinstance(error, MlflowException):
        return error.error_code not in OUTAGES
    if isinstance(error, HTTPError):
        return error.response is not None and 400 <= error.response.status_code < 500
    # A place that this process may not write, a storage whose client is not installed, credentials that are not set.
    return not isinstance(error, RequestException | ConnectionError | TimeoutError)


def names(keys: Sequence[str]) -> dict[str, str]:
    """Return each key in a form that MLflow takes, none twice: letters, digits and _-./: and spaces, no empty part."""
    found = {key: key for key in keys if _plain(key) == key}
    taken = set(found)
    for key in keys:
        if key in found:
            continue
        name = _plain(key)
        if name in taken:
            name = f"{name[: KEY_LENGTH - 14]} {digest(key)[:12]}"
        found[key] = name
        taken.add(name)
    return found


def _plain(key: str) -> str:
    name = NOT_IN_NAMES.sub("_", shown(key).replace("\n", " ").replace("\t", " "))
    name = "/".join(part for part in name.split("/") if part not in ("", ".", "..")) or "_"
    name = f"_{name}" if name.startswith("..") else name  # MLflow takes it for a way out of the folder
    return name if len(name) <= KEY_LENGTH else f"{name[: KEY_LENGTH - 14]} {digest(key)[:12]}"


def require_at_hand(artifact_uri: str) -> None:
    """Refuse to make the directory of another machine: of a server, or of one that a database was copied from.

    Raises:
        FileNotFoundError: the artifacts' place is a path, and nothing of it is here.

    """
    parts = urlsplit(artifact_uri)
    if parts.scheme not in ("", "file"):
        return
    # Below the place lie a run's id and `artifacts`; the server or the first run may have yet to make the place itself.
    place = Path(unquote(parts.path)).parent.parent
    near = [path for path in (place, *place.parents[:2]) if path != Path(path.anchor)]
    if not any(path.is_dir() for path in near):
        raise FileNotFoundError(f"{place} is a place of another machine: only that one can write there")
