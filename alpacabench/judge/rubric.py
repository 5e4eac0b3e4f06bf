"""A rubric: the judge scores both answers on each criterion; the higher weighted mean wins."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic import Field, model_validator

from alpacabench.core.exchange import Message
from alpacabench.core.records import digest
from alpacabench.endpoint.wire import Completion
from alpacabench.judge.api import ApiJudge
from alpacabench.judge.base import UnparsableVerdictError
from alpacabench.judge.question import Question
from alpacabench.judge.said import objects, said
from alpacabench.judge.template import load_template, render
from alpacabench.store.payload import Payload

LOWEST, HIGHEST = 1.0, 10.0


class Rubric(ApiJudge):
    """Scores from 1 to 10 by criterion; `Verdict.criteria` has them as `NAME` (the model's) and `NAME/reference`."""

    temperature: float | None = Field(0.0, ge=0.0)
    max_tokens: int = Field(1024, ge=1)
    criteria: dict[str, str] = Field(min_length=1)
    """What each criterion means, by name."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Of the criteria in the mean; 1 where none is given."""

    @model_validator(mode="after")
    def _known_weights(self) -> Rubric:
        foreign = sorted(set(self.weights) - set(self.criteria))
        if foreign:
            raise ValueError(f"weights name {foreign}, which are no criteria; the criteria are {sorted(self.criteria)}")
        weights = [self.weights.get(name, 1.0) for name in self.criteria]
        if min(weights) < 0 or not 0 < sum(weights) < math.inf:
            raise ValueError(f"given weights {self.weights}: numbers from 0 are needed, and one above 0")
        return self

    @property
    def label(self) -> str:
        """The name, the model where it is another one, and a digest of the criteria."""
        return f"{super().label}:{digest([self.criteria, self.weights])[:6]}"

    def identity(self) -> dict[str, Any]:
        """Return the judge model and the weights; the criteria stand in the prompt."""
        return super().identity() | {"weights": self.weights}

    def render(self, instruction: str, output_1: str, output_2: str) -> list[Message]:
        """Fill the criteria into the template, then the pair."""
        listed = "\n".join(f"- {name}: {meaning}" for name, meaning in self.criteria.items())
        example = json.dumps({name: 7 for name in self.criteria})
        template = load_template(self.template).replace("{criteria}", listed).replace("{example}", example)
        return render(template, instruction, output_1, output_2)

    def read(self, completion: Completion, question: Question) -> Payload:
        """Read the scores of both answers."""
        first, second = self._grades(said(completion))
        model, reference = (first, second) if question.model_first else (second, first)
        better = self._mean(second) - self._mean(first)
        preference = 1.5 if abs(better) < 1e-9 else 2.0 if better > 0 else 1.0
        return {"preference": preference, "criteria": model | {f"{k}/reference": v for k, v in reference.items()}}

    def _grades(self, text: str) -> tuple[dict[str, float], dict[str, float]]:
        """Return the grades of the last object that holds both answers'; drafts before it must agree, or end there.

        Raises:
            UnparsableVerdictError: there are none, or it is not clear which ones count.

        """
        found = [(given, end) for given, end in objects(text) if {"first", "second"} <= set(given)]
        if not found:
            raise UnparsableVerdictError(f"no scores for {', '.join(self.criteria)}: no JSON with 'first' and 'second'")
        last, end = found[-1]
        if any(given != last for given, _ in found) and text[end:].strip(" \r\n`"):
            raise UnparsableVerdictError("several objects of scores that contradict each other, and none is the last")
        try:
            return self._scores(last["first"]), self._scores(last["second"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            what = f"no scores for {', '.join(self.criteria)}: {type(error).__name__}: {error}"
            raise UnparsableVerdictError(what) from error

    def _scores(self, given: dict[str, Any]) -> dict[str, float]:
        odd = {name: given[name] for name in self.criteria if isinstance(given[name], bool)}
        scores = {name: float(given[name]) for name in self.criteria}
        outside = odd or {name: score for name, score in scores.items() if not LOWEST <= score <= HIGHEST}
        if outside:
            raise ValueError(f"{outside} outside {LOWEST:g} to {HIGHEST:g}")
        return scores

    def _mean(self, scores: dict[str, float]) -> float:
        weights = {name: self.weights.get(name, 1.0) for name in self.criteria}
        return sum(weights[name] * score for name, score in scores.items()) / sum(weights.values())
