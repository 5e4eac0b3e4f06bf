"""JSON as it goes into files and comes out of them: any text and any bytes."""

from __future__ import annotations

import json
import re
from typing import Any

_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Ends of lines for some readers, halves of a pair that UTF-8 cannot hold, and what a terminal would obey."""


_LINE = json.JSONEncoder(ensure_ascii=False)
_INDENTED = json.JSONEncoder(ensure_ascii=False, indent=2)
_FIELD_BY_FIELD = json.JSONEncoder(ensure_ascii=False, separators=(",\n  ", ": "))


def dumps(value: Any) -> str:
    """Return JSON that can be encoded as UTF-8, is one line, and reads back as the same value.

    Letters stand as they are; only what breaks lines, encodings or terminals is escaped.
    """
    return _escaped(_LINE.encode(value))


def indented(value: Any) -> str:
    """Return the same as `dumps` over several lines, two columns for each level."""
    if not isinstance(value, dict) or not value:
        return _escaped(_INDENTED.encode(value))
    # Python indents in a way of its own that takes four times as long: only what is nested goes it.
    nested = {key: part for key, part in value.items() if isinstance(part, dict | list | tuple)}
    if not nested:
        return _escaped(f"{{\n  {_FIELD_BY_FIELD.encode(value)[1:-1]}\n}}")
    parts = (
        _INDENTED.encode({key: part})[4:-2] if key in nested else _LINE.encode({key: part})[1:-1]
        for key, part in value.items()
    )
    return _escaped("{\n  " + ",\n  ".join(parts) + "\n}")


def _escaped(text: str) -> str:
    return text if text.isascii() else _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def loads(text: str | bytes) -> Any:
    """Return the value.

    Raises:
        json.JSONDecodeError: it is no JSON, is nested too deeply, or holds a number of too many digits.

    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        reason = "nested too deeply"
    except UnicodeDecodeError:
        reason = "no text"
    except ValueError:
        reason = "a number has thousands of digits"
    raise json.JSONDecodeError(reason, "", 0)
