"""The page on which people label pairs of answers: one file that needs no network and keeps each label at once.

It holds of each pair an id, the request and two answers in the order shown, and the policy: no name, no verdict, no
place of a run. Answers are data in it, never markup, and its content security policy allows its own script alone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from alpacabench.analysis.trust.blinding import BlindPair, Policy
from alpacabench.core.printable import printable
from alpacabench.core.records import digest
from alpacabench.io.json_text import dumps
from alpacabench.report.page import write_page


def write_label_page(path: Path | str, pairs: Sequence[BlindPair], policy: Policy) -> Path:
    """Write the page; what a browser keeps of it belongs to these pairs under this policy."""
    rows = [
        {"id": pair.id} | {name: printable(getattr(pair, name)) for name in ("instruction", "first", "second")}
        for pair in pairs
    ]
    identity = digest([policy.id, [pair.id for pair in pairs]])[:8]
    data = dumps({"page": identity, "policy_id": policy.id, "policy": printable(policy.text.strip()), "pairs": rows})
    style, script = _source("label.css"), _source("label.js")
    return write_page(
        path, "label.html", style=Markup(style), style_hash=_hash(style), script=Markup(script),
        script_hash=_hash(script), data=Markup(data.replace("<", "\\u003c")),
    )  # fmt: skip


def _source(name: str) -> str:
    return files("alpacabench.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
