"""The contract of the tools group: what a model may call, with which arguments, and what it is told."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from alpacabench.core.component import Component
from alpacabench.core.errors import Problem
from alpacabench.core.exchange import Step
from alpacabench.core.source import foreign_source

Row = Mapping[str, Any]
"""The columns of a data set's row that are none of ours: `documents`, `tables`, and what a tool of one's own reads."""
Function = Mapping[str, Any]
"""One function in OpenAI's format: {"type": "function", "function": {"name", "description", "parameters"}}."""
Caller = Callable[[str, dict[str, Any]], Any]
"""Calls a function by its name with arguments that fit its schema."""

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What servers take as the name of a function."""
MOST_CHARACTERS = 20_000
"""Of a result that the model is shown."""


class ToolError(Exception):
    """What the model is told where its call has no result; never an error of the run."""


class Tool(Component):
    """Base of all tools: one function, offered to the model beside the prompt.

    The smallest tool is one class::

        class Shout(Tool):
            name = "shout"
            description = "Return a text in capitals."
            parameters = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

            def call(self, arguments, row):
                return arguments["text"].upper()
    """

    group: ClassVar[str] = "tools"

    name: ClassVar[str] = ""
    """As the model calls it."""
    description: ClassVar[str] = ""
    """What the model is told of it."""
    parameters: ClassVar[Mapping[str, Any]] = {"type": "object", "properties": {}}
    """JSON Schema of the arguments."""
    version: ClassVar[int] = 1
    """Raised when results change, so that conversations are held again."""
    repeatable: ClassVar[bool] = False
    """Whether equal calls have equal results always, so that none needs to be kept."""

    fits: ClassVar[bool] = True
    """Whether arguments that do not fit the schema are refused; else the tool itself says what is wrong with them."""

    @abstractmethod
    def call(self, arguments: dict[str, Any], row: Row) -> Any:
        """Return the result: text, or what JSON can hold.

        Raises:
            ToolError: there is none; its text is told the model.

        """

    def applies(self, row: Row) -> bool:
        """Return whether the tool is offered with this row."""
        return True

    def check_row(self, row: Row) -> None:
        """Look at what the row holds for the tool.

        Raises:
            ValueError: it cannot be used.

        """

    def functions(self, row: Row) -> Sequence[Function]:
        """Return what is offered with a row, in OpenAI's format: by default the one function."""
        return [function(self.name, self.description, self.parameters)]

    def open(self, row: Row) -> Caller:
        """Return what runs the calls of one conversation; a tool that has a state begins with a fresh one."""
        return lambda _name, arguments: self.call(arguments, row)

    def final(self, row: Row) -> bool:
        """Return whether a call is itself the answer: nothing is run, and the conversation ends."""
        return False

    def right(self, row: Row, steps: Sequence[Step]) -> Sequence[bool] | None:
        """Return whether each turn's task succeeded, by a notion of the tool's own; None where it has none."""
        return None

    def identity(self) -> Mapping[str, Any]:
        """Return what the results depend on beside arguments and row: by default the tool's own keys."""
        return self.model_dump(mode="json")

    def key(self) -> Mapping[str, Any]:
        """Return what the tool is known by in the store; edited code of one's own never meets old answers."""
        return {
            "tool": f"{type(self).__module__}.{type(self).__qualname__}",
            "version": self.version,
            "source": foreign_source(type(self)),
            "identity": self.identity(),
        }

    def problems(self) -> Iterator[Problem]:
        """Yield a name that no server takes, and parameters that are no schema of an object."""
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import Draft202012Validator

        where, cls = f"tools.{self.name or type(self).__name__}", type(self).__name__
        if not NAME.fullmatch(self.name):
            remedy = "give the class a name of at most 64 letters, digits, _ and -"
            yield Problem(where, f"{cls}.name is {self.name!r:.100}", remedy)
        try:
            Draft202012Validator.check_schema(dict(self.parameters))
        except (SchemaError, TypeError, ValueError) as error:
            said = getattr(error, "message", error)
            yield Problem(where, f"{cls}.parameters is no JSON schema: {said}"[:300], "see json-schema.org")
        else:
            if self.parameters.get("type") != "object":
                yield Problem(where, f"{cls}.parameters has no type object", 'give it "type": "object"')


def function(name: str, description: str, parameters: Mapping[str, Any]) -> Function:
    """Return a function in OpenAI's format."""
    inner = {"name": name, "description": description, "parameters": dict(parameters)}
    return {"type": "function", "function": inner}


def result_text(result: Any) -> str:
    """Return a result as the model reads it: text as it is, anything else as JSON; what is too long is cut."""
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    # What no database and no request can hold.
    text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[:MOST_CHARACTERS] + f"\n[cut: {len(text) - MOST_CHARACTERS} more characters]"
