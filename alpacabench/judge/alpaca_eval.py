"""Any annotator config that alpaca_eval ships: its template, its request and its parser over our client and store."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, model_validator

from alpacabench.core.errors import Problem, allowed
from alpacabench.core.records import Message, Pair
from alpacabench.endpoint.wire import Body, Completion
from alpacabench.judge.annotator import Annotator, annotators, load_annotator
from alpacabench.judge.api import ApiJudge
from alpacabench.judge.base import Question, UnparsableVerdictError
from alpacabench.store.ask_once import Payload


class AlpacaEvalAnnotator(ApiJudge):
    """An annotator config by name; what is null is taken from it."""

    annotator: str
    max_tokens: int = Field(1, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _from_config(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in what is null. A name that does not exist is reported by `check`."""
        given = {key: value for key, value in values.items() if value is not None}
        try:
            config = load_annotator(str(values.get("annotator")))
        except ValueError:
            return {"name": "unknown", "model_name": "unknown", "template": "alpacabench:mM"} | given
        found = {
            "name": values["annotator"], "name_model": config.model, "model_name": config.model,
            "template": config.template, "base_url": config.base_url, "provider": config.wire,
            "temperature": config.temperature, "max_tokens": config.max_tokens,
        }  # fmt: skip
        return {key: value for key, value in found.items() if value is not None} | given

    def problems(self) -> Iterator[Problem]:
        """Yield an unknown or unsupported annotator, a backend without a server, and what every API judge checks."""
        try:
            config = load_annotator(self.annotator)
        except ValueError as error:
            what = f"given '{self.annotator}': {error}"
            yield Problem("judge.annotator", what, allowed(self.annotator, annotators()))
            return
        if config.wire is None and self.base_url is None:
            yield Problem(
                "judge.base_url", f"annotator '{self.annotator}' uses {config.backend}, which is no API of a provider",
                f"name an OpenAI-compatible server that has {config.model}: judge.base_url=http://HOST:PORT/v1",
            )  # fmt: skip
            return
        yield from super().problems()

    def slot(self, pair: Pair) -> bool:
        """Return alpaca_eval's slot; some configs always show the reference first."""
        return super().slot(pair) if self._config.switches else False

    def identity(self) -> dict[str, Any]:
        """Return the request and the parser."""
        return super().identity() | {"parser": self._config.parser, "arguments": self._config.parser_arguments}

    def parameters(self) -> Body:
        """Return the fields of the request, log probabilities and tools included."""
        return super().parameters() | self._config.body

    def body(self, messages: list[Message]) -> Body:
        """Return the request: a chat, or a text where the model takes one."""
        if self._config.plain:
            return {"model": self.model_name, "prompt": messages[0]["content"], **self.parameters()}
        return super().body(messages)

    def read(self, completion: Completion, question: Question) -> Payload:
        """Parse with alpaca_eval's own parser."""
        given = completion.raw | {"text": completion.text} if self._config.reads_choice else completion.text
        parser = getattr(_parsers(), self._config.parser)
        try:
            found = parser(given, **copy.deepcopy(self._config.parser_arguments))
        except Exception as error:
            # The parsers raise whatever their input leads to: KeyError, AssertionError, SyntaxError, JSONDecodeError.
            raise UnparsableVerdictError(f"{self._config.parser}: {type(error).__name__}: {error}") from error
        if len(found) != 1 or found[0] is None or math.isnan(found[0]):
            raise UnparsableVerdictError(f"{self._config.parser} finds {found} instead of one verdict")
        return {"preference": 1.5 if found[0] == 0 else float(found[0])}

    @property
    def _config(self) -> Annotator:
        return load_annotator(self.annotator)


def _parsers() -> Any:
    """Import alpaca_eval's parsers; its import changes the root logger's level, which is put back."""
    root = logging.getLogger()
    level = root.level
    from alpaca_eval import completion_parsers

    root.setLevel(level)
    return completion_parsers
