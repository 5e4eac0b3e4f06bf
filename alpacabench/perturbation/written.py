"""Variants that a model writes, and the check by a model that they still ask for the same.

Pure functions of what the models answered: the models themselves are asked by `alpacabench.rewording`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from alpacabench.core.component import Component
from alpacabench.core.errors import Problem
from alpacabench.core.records import Example, Generation, Prompt
from alpacabench.core.spans import head_end
from alpacabench.decoding import Decoding
from alpacabench.perturbation.base import Edited
from alpacabench.perturbation.validity.facts import changed_facts
from alpacabench.perturbation.validity.gate import GateResult
from alpacabench.perturbation.variant_file import FileVariants

PLACE = "{instruction}"
QUESTION = """\
Two requests to an assistant:

Request A:
{first}

Request B:
{second}

Would every good answer to request A{apart} also be a good answer to request B? Answer with yes or no."""
CHECKING = Decoding(max_new_tokens=256)
"""Greedy; room for a few words before the yes or no."""
DIRECTIONS = ("the original", "the variant"), ("the variant", "the original")

_PREAMBLE = re.compile(r"\A(?:sure|certainly|of course|okay|here)\b[^\n]*:\s*\n+", re.IGNORECASE)
_LABEL = re.compile(
    r"\A(?:re-?worded|re-?phrased|rewritten|paraphrased?|translat(?:ed|ion))[^\n:]{0,30}:\s*", re.IGNORECASE
)
_QUOTED = re.compile(r"\A(?:\"([^\"]+)\"|“([^”]+)”|«([^»]+)»)\Z", re.DOTALL)
_VERDICT = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


class WrittenVariants(FileVariants):
    """Variants from a file, or written by a model; the same answers serve every strength."""

    apart: ClassVar[str] = ""
    """What the checker is to overlook."""

    writer: Component | None = None
    """Any option of the model group."""
    checker: Component | None = None
    """Any option of the model group: it confirms what rules over words cannot."""
    decoding: Decoding = Decoding(temperature=0.7, top_p=0.9)
    """How the writer decodes; `n` variants of each prompt."""
    prompt: str = Field("Say this in other words: {instruction}")
    """What the writer is asked, with {instruction} in its place."""

    def problems(self) -> Iterator[Problem]:
        """Yield a problem where there is neither a file nor a writer, or both, or the writer's prompt has no place."""
        if self.writer is None:
            for problem in super().problems():
                remedy = f"{problem.remedy}, or have a model write them: model@perturbation.writer=OPTION"
                yield replace(problem, remedy=remedy)
        elif self.path is not None:
            what = f"given {self.path!r}, and perturbation.writer, too"
            yield Problem(
                "perturbation.path", what, "variants come from a file or from a model: leave one of them null"
            )
        if self.writer is not None and PLACE not in self.prompt:
            yield Problem("perturbation.prompt", f"given {self.prompt!r}", f"it must hold {PLACE}")

    @property
    def author(self) -> str:
        """Who writes and who checks."""
        parts = [("written by", self.writer), ("checked by", self.checker)]
        return ", ".join(f"{done} {getattr(model, 'label', '')}" for done, model in parts if model is not None)

    @property
    def writes(self) -> bool:
        """Whether a model is to be asked for variants."""
        return self.writer is not None and self.strength > 0.0

    def apply(self, examples: Sequence[Example]) -> list[Prompt]:
        """Return one prompt per example: the file's variant, or the text itself until a model has written one."""
        return [Prompt(example, example.last_turn) for example in examples] if self.writes else super().apply(examples)

    def request(self, prompt: Prompt) -> Prompt:
        """Return what the writer is asked: to reword the task's own words, and not the input that follows them."""
        return Prompt(prompt.example.alone, self.prompt.replace(PLACE, _head(prompt.example.last_turn).strip()))

    def written(self, example: Example, answers: Sequence[Generation]) -> Prompt:
        """Return the variant of this strength's rank among the writer's usable answers, with the gate's verdict.

        Where there is none the prompt stays as it is, and counts as rejected, with the cause.
        """
        whole = [a for a in answers if a.text and a.text.strip() and a.finish_reason == "stop"]
        if not whole:
            reason = f"no variant was written: {_cause(answers[0])}"
            return Prompt(example, example.last_turn, same_task=False, gate_reasons=(reason,))
        original = example.last_turn
        head = _head(original)
        rest = original[len(head) :]
        variants = {clean(answer.text or "", head) + rest for answer in whole}
        text = self.ranked(original, tuple(variants), self.strength)
        return self.varied(example, Edited(text, int(text != original)))

    def gate(self, original: str, text: str) -> GateResult:
        """Return the gate's verdict; where a model checks, rules decide only what they can know: facts kept."""
        if self.checker is None or original == text:
            return super().gate(original, text)
        reasons = changed_facts(original, text)
        return GateResult(not reasons, reasons)

    def questions(self, prompt: Prompt) -> list[Prompt]:
        """Return what the checker is asked about a variant, one question in each direction."""
        pair = prompt.example.last_turn.strip(), prompt.text.strip()
        texts = (QUESTION.format(first=a, second=b, apart=self.apart) for a, b in (pair, pair[::-1]))
        return [Prompt(prompt.example.alone, text) for text in texts]

    def checked(self, prompt: Prompt, answers: Sequence[Generation]) -> Prompt:
        """Return the prompt with the checker's verdict: the same task where it said yes in both directions."""
        reasons = []
        for (first, second), answer in zip(DIRECTIONS, answers, strict=True):
            said = _VERDICT.search(answer.text or "")
            if said is None:
                reasons.append(f"the checker gave neither yes nor no: {answer.failure or (answer.text or '')[:60]!r}")
            elif said[1].lower() == "no":
                reasons.append(f"the checker holds that an answer to {first} need not answer {second}")
        return replace(prompt, same_task=not reasons, gate_reasons=tuple(reasons))


def clean(answer: str, original: str) -> str:
    """Return a writer's answer without what models put around it: a preamble, a label, quotes around the whole."""
    text = _LABEL.sub("", _PREAMBLE.sub("", answer.strip())).strip()
    quoted = None if _QUOTED.match(original.strip()) else _QUOTED.match(text)
    return next(filter(None, quoted.groups())).strip() if quoted else text


def _head(text: str) -> str:
    end = head_end(text)
    return text[:end] if text[:end].strip() else text


def _cause(answer: Generation) -> str:
    if answer.text is None:
        return answer.failure or "no answer"
    return f"cut at {answer.completion_tokens} tokens" if answer.finish_reason == "length" else "an empty answer"
