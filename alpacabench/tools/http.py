"""HTTP as the row recorded it: a request is looked up, and never sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from alpacabench.core.errors import DataError, Problem
from alpacabench.core.records import digest
from alpacabench.io.rows import read_rows
from alpacabench.tools.base import Row, Tool, ToolError

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Http(Tool):
    """Answers a request from the row's `responses`, or from those of a file; nothing reaches a network."""

    name: ClassVar[str] = "http_request"
    description: ClassVar[str] = "Send an HTTP request and return its status and body."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "url": {"type": "string"},
            "method": {"type": "string", "enum": list(METHODS), "description": "GET where it is not given"},
            "body": {"description": "what is sent, as JSON"},
        },
        "required": ["url"],
        "additionalProperties": False,
    }
    repeatable: ClassVar[bool] = True

    path: str | None = None
    """A file of rows with `url`, `method`, `status` and `body`, for all prompts; a row's own responses come first."""

    def problems(self) -> Iterator[Problem]:
        """Yield a file that cannot be read."""
        yield from super().problems()
        try:
            self._of_file()
        except (DataError, ValueError) as error:
            yield Problem("tools.http.path", str(error).removeprefix("tools.http.path: "))

    def identity(self) -> Mapping[str, Any]:
        """Return what the file holds, wherever it lies."""
        return {"responses": digest(list(self._of_file()))}

    def applies(self, row: Row) -> bool:
        """Return whether there is anything to answer with."""
        return bool(row.get("responses") or self.path)

    def check_row(self, row: Row) -> None:
        """Look at the responses.

        Raises:
            ValueError: they are no list of objects with a `url`.

        """
        _responses(row.get("responses") or [])

    def call(self, arguments: dict[str, Any], row: Row) -> dict[str, Any]:
        """Return status and body of the first response for this method and URL.

        Raises:
            ToolError: there is none.

        """
        method, asked = arguments.get("method", "GET"), _address(arguments["url"])
        for response in [*_responses(row.get("responses") or []), *self._of_file()]:
            if str(response.get("method") or "GET").upper() == method and _address(response["url"]) == asked:
                return {"status": response.get("status") or 200, "body": response.get("body")}
        raise ToolError(f"no host answers {method} {arguments['url']}")

    def _of_file(self) -> Sequence[Mapping[str, Any]]:
        if self.path is None:
            return []
        path = Path(self.path).expanduser()
        return _read(self.path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _read(path: str, modified: int) -> Sequence[Mapping[str, Any]]:
    return _responses(read_rows(path, "tools.http.path"))


def _responses(given: Any) -> list[Mapping[str, Any]]:
    if not isinstance(given, list):
        raise ValueError(f"'responses' is a {type(given).__name__}; a list of objects with 'url' is needed")
    for number, response in enumerate(given, start=1):
        if not isinstance(response, Mapping) or not isinstance(response.get("url"), str):
            raise ValueError(f"response {number} of 'responses' is {response!r:.80}; an object with 'url' is needed")
    return list(given)


def _address(url: str) -> Any:
    """Return what makes two URLs the same: the order of a query's parameters and a slash at the end do not."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    place = (parts.netloc or "").lower(), parts.path.rstrip("/")
    return (parts.scheme.lower(), *place, sorted(parse_qsl(parts.query, keep_blank_values=True)))
