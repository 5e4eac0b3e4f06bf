"""What a local model said, and the calls that stand in its text."""

from __future__ import annotations

from typing import Any

from alpacabench.core.tool_calls import of_text


def said(text: str, offered: bool) -> dict[str, Any]:
    """Return the `text` of a payload, and its `tool_calls` where tools were offered and some are called."""
    rest, calls = of_text(text) if offered else (text, [])
    return {"text": rest, "tool_calls": [call._asdict() for call in calls]} if calls else {"text": text}
