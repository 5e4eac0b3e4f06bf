"""An annotator config, shipped by alpaca_eval or one's own: template, request and parser over our client and store."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, model_validator

from alpacabench.core.errors import Problem, allowed
from alpacabench.core.exchange import Message
from alpacabench.core.reasoning import conclusion
from alpacabench.core.records import Pair
from alpacabench.endpoint.wire import Body, Completion
from alpacabench.judge.annotator import SUFFIXES, Annotator, annotators, load_annotator, own_file
from alpacabench.judge.api import ApiJudge
from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.judge.logprob import after_trace, positions_of, weigh
from alpacabench.judge.question import Question
from alpacabench.store.payload import Payload


class AlpacaEvalAnnotator(ApiJudge):
    """An annotator config by name or file; what is null is taken from it."""

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
            "name": _name(str(values["annotator"])), "name_model": config.model, "model_name": config.model,
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
            file = own_file(self.annotator)
            remedy = "name an annotators_config that judges one pair in one prompt, with its template beside it"
            own = file.is_file() or file.suffix in SUFFIXES
            yield Problem("judge.annotator", what, remedy if own else allowed(self.annotator, annotators()))
            return
        if self.annotator not in annotators() and not callable(getattr(_parsers(), config.parser, None)):
            parsers = sorted(name for name in dir(_parsers()) if name.endswith("_parser"))
            what = f"{self.annotator} names the parser '{config.parser}', which alpaca_eval does not have"
            yield Problem("judge.annotator", what, allowed(config.parser, parsers))
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
        try:
            parser = getattr(_parsers(), self._config.parser)
            found = parser(self._given(completion), **copy.deepcopy(self._config.parser_arguments))
        except UnparsableVerdictError:
            raise
        except Exception as error:
            # The parsers raise whatever their input leads to: KeyError, AssertionError, SyntaxError, JSONDecodeError.
            raise UnparsableVerdictError(f"{self._config.parser}: {type(error).__name__}: {error}") from error
        verdict: Any = found[0] if isinstance(found, list) and len(found) == 1 else None
        number = isinstance(verdict, int | float) and not isinstance(verdict, bool)
        if not number or not (verdict == 0 or 1 <= verdict <= 2):
            raise UnparsableVerdictError(f"{self._config.parser} finds {str(found)[:200]} instead of one verdict")
        return {"preference": 1.5 if verdict == 0 else float(verdict)}

    def _given(self, completion: Completion) -> Any:
        """Return what the parser reads: the text after a trace, or the choice with its log probabilities in one form.

        Raises:
            UnparsableVerdictError: there are no log probabilities that can be read.

        """
        if not self._config.reads_choice:
            return conclusion(completion.text)
        tokens = self._config.parser_arguments.get("denominator_tokens")
        if not tokens:
            return completion.raw | {"text": completion.text}
        positions = after_trace(positions_of(completion.raw), completion.text)
        wanted = self._config.parser_arguments.get("log_prob_index", "batch")
        if wanted == -1 and completion.finish_reason == "length" and self.max_tokens > 1:
            raise UnparsableVerdictError("the answer was cut at max_tokens, before the token that is the verdict")
        content = []
        for place, (_, listed) in enumerate(positions):
            # Only what is read has to be whole.
            read = wanted == "batch" or place == wanted % len(positions)
            weights = weigh(listed, tokens) if read else {}
            top = [{"token": token, "logprob": math.log(weight)} for token, weight in weights.items() if weight > 0]
            content.append({"top_logprobs": top})
        return completion.raw | {"text": completion.text, "logprobs": {"content": content}}

    @property
    def _config(self) -> Annotator:
        return load_annotator(self.annotator)


def _name(annotator: str) -> str:
    """Return what a config is called: a file by its own name, since files in one form often share the key inside."""
    path = own_file(annotator)
    if annotator in annotators():
        return annotator
    return path.parent.name if path.stem in ("config", "configs") else path.stem


def _parsers() -> Any:
    """Import alpaca_eval's parsers; its import changes the root logger's level, which is put back."""
    root = logging.getLogger()
    level = root.level
    from alpaca_eval import completion_parsers

    root.setLevel(level)
    return completion_parsers
