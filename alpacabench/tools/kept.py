"""Results that are kept in the store, so that a conversation that is resumed goes on from the same ones."""

from __future__ import annotations

import json
from typing import Any

from alpacabench.core.records import digest
from alpacabench.endpoint.spending import account
from alpacabench.store import tool_results
from alpacabench.tools.base import Caller, Row, Tool, ToolError, result_text
from alpacabench.tools.failures import At

FAILED = "the tool failed: "


def kept(tool: Tool, row: Row, history: str, at: At, arguments: dict[str, Any], call: Caller) -> tuple[str, bool]:
    """Return the result of a call as the model reads it, and whether it is one (an error of the tool is none).

    Results of tools that may answer otherwise the next time are looked up first, by the tool, the row, all calls
    before, and the arguments; the call is made where there is none, and its result kept before anything is sent.
    """
    paid = None if tool.repeatable else account()
    if paid is None:
        return _called(call, at.tool, arguments)
    key = digest([tool.key(), at.instruction, digest(_plain(row)), at.sample, history, at.call, at.tool, arguments])
    if (found := tool_results.read(paid.engine, key)) is not None:
        return found
    return tool_results.write(paid.engine, key, *_called(call, at.tool, arguments))


def _called(call: Caller, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    try:
        return result_text(call(name, arguments)), True
    except ToolError as error:
        return json.dumps({"error": str(error)}, ensure_ascii=False), False
    # A stranger's tool may raise anything; the model is told what a service would tell.
    except Exception as error:
        return json.dumps({"error": f"{FAILED}{type(error).__name__}: {error}"}, ensure_ascii=False)[:2000], False


def _plain(row: Row) -> Any:
    return json.loads(json.dumps(row, default=str))
