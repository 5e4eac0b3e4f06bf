"""JSON as it goes into files and comes out of them: any text and any bytes."""

from __future__ import annotations

import json
import re
from typing import Any

_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Ends of lines for some readers, halves of a pair that UTF-8 cannot hold, and what a terminal would obey."""


def dumps(value: Any, indent: int | None = None) -> str:
    """Return JSON that can be encoded as UTF-8, is one line unless indented, and reads back as the same value.

    Letters stand as they are; only what breaks lines, encodings or terminals is escaped.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
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
