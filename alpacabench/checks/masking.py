"""Masks personal data and secrets in all that leaves the store: files, pages, tracking and log.

A mask names the rule and the row, so that two prompts that differ only in what is masked stay two prompts, and the same
prompt is the same in every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from alpacabench.checks.base import Check
from alpacabench.checks.spans import Masked, Span, masked
from alpacabench.core.exchange import Messages, Step
from alpacabench.core.records import Checked, Example, Finding, Generation, Outcome, Verdict
from alpacabench.security.redact import hide_in_log


def mask_flagged(outcome: Outcome) -> Outcome:
    """Return the outcome with the spans masked that a check of its answers holds must not be shown."""
    flagged = [one for one in outcome.checked if one.masked and one.findings]
    if not flagged:
        return outcome
    texts = {
        g.sample: masked(g.text, [s for one in flagged if one.sample == g.sample for s in _spans(one)])
        for g in outcome.generations
        if g.text is not None
    }
    generations = tuple(
        replace(g, text=texts[g.sample].text, steps=_ending_with(g.steps, texts[g.sample].text)) if g.text else g
        for g in outcome.generations
    )
    return replace(outcome, generations=generations, checked=_moved(outcome.checked, texts))


def _ending_with(steps: tuple[Step, ...], text: str) -> tuple[Step, ...]:
    """Return a conversation's steps with another last answer."""
    return (*steps[:-1], replace(steps[-1], text=text)) if steps else ()


def _spans(checked: Checked) -> list[Span]:
    return [
        Span(f.start, f.end, f"[{checked.check}: {f.rule}]")
        for f in checked.findings
        if f.start is not None and f.end is not None
    ]


def _moved(checked: Sequence[Checked], texts: Mapping[int, Masked]) -> tuple[Checked, ...]:
    def moved(finding: Finding, text: Masked) -> Finding:
        if finding.start is None or finding.end is None:
            return finding
        return replace(finding, start=text.at(finding.start), end=max(text.at(finding.start), text.at(finding.end)))

    return tuple(
        replace(one, findings=tuple(moved(f, texts[one.sample]) for f in one.findings)) if one.sample in texts else one
        for one in checked
    )


class Mask:
    """Masks every text of a run by the rules of some checks, whoever wrote it."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self.n = 0
        """Places masked."""
        self._found = lru_cache(maxsize=4096)(self._find)
        self._checks = checks

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return the outcome with every text of prompt, answers and verdicts masked; scores and lengths stay."""
        row = outcome.example.index
        texts = {g.sample: self._masked(g.text, row) for g in outcome.generations if g.text is not None}
        example, prompt = self.example(outcome.example), outcome.prompt
        prompt = replace(
            prompt, example=example, text=self._text(prompt.text, row), system=self._text(prompt.system, row)
        )
        return Outcome(
            prompt,
            tuple(self._generation(g, texts.get(g.sample), row, prompt) for g in outcome.generations),
            tuple(self._verdict(v, example, row) for v in outcome.verdicts),
            _moved(outcome.checked, texts),
        )

    def verdict(self, verdict: Verdict) -> Verdict:
        """Return a verdict that belongs to no outcome with its texts masked."""
        return self._verdict(verdict, self.example(verdict.pair.example), verdict.pair.example.index)

    def template(self, text: str) -> str:
        """Return a text that belongs to no row masked."""
        done = masked(text, [Span(start, end, f"[{rule}]") for start, end, rule in self._found(text)])
        hide_in_log(text[start:end] for start, end, _ in done.spans)
        return done.text

    def example(self, example: Example) -> Example:
        """Return a row of the data set with its texts masked."""
        row = example.index
        return replace(
            example, instruction=self._text(example.instruction, row), reference=self._text(example.reference, row),
            messages=self._messages(example.messages, row), turns=self._texts(example.turns, row),
            references=self._texts(example.references, row), solutions=self._texts(example.solutions, row),
        )  # fmt: skip

    def _texts(self, texts: tuple[str, ...], row: int) -> tuple[str, ...]:
        return tuple(self._text(text, row) for text in texts)

    def _messages(self, messages: Messages, row: int) -> Messages:
        return tuple((message[0], *self._texts(message[1:], row)) for message in messages)

    def _step(self, step: Step, row: int) -> Step:
        return replace(
            step, asked=self._messages(step.asked, row), text=self._text(step.text, row),
            tool_calls=tuple(self._tree(step.tool_calls, row)), reasoning=self._text(step.reasoning, row),
            results=tuple(
                replace(one, arguments=self._text(one.arguments, row), text=self._text(one.text, row))
                for one in step.results
            ),
        )  # fmt: skip

    def _generation(self, given: Generation, text: Masked | None, row: int, prompt: Any) -> Generation:
        return replace(
            given,
            prompt=prompt,
            text=text.text if text else None,
            reasoning=self._text(given.reasoning, row),
            failure=self._text(given.failure, row),
            steps=tuple(self._step(step, row) for step in given.steps),
        )

    def _verdict(self, verdict: Verdict, example: Example, row: int) -> Verdict:
        # The answers of the pair stay: their lengths are written, they themselves never.
        pair = replace(verdict.pair, example=example, instruction=self._text(verdict.pair.instruction, row))
        return replace(
            verdict, pair=pair, raw=self._tree(verdict.raw, row), failure=self._text(verdict.failure, row)
        )  # fmt: skip

    def _tree(self, value: Any, row: int) -> Any:
        if isinstance(value, str):
            return self._text(value, row)
        if isinstance(value, Mapping):
            return {key: self._tree(item, row) for key, item in value.items()}
        return [self._tree(item, row) for item in value] if isinstance(value, list | tuple) else value

    def _text(self, text: Any, row: int) -> Any:
        return self._masked(text, row).text if isinstance(text, str) else text

    def _masked(self, text: str, row: int) -> Masked:
        spans = [Span(start, end, f"[{rule}, row {row + 1}]") for start, end, rule in self._found(text)]
        done = masked(text, spans)
        self.n += len(done.spans)
        hide_in_log(text[start:end] for start, end, _ in done.spans)
        return done

    def _find(self, text: str) -> list[tuple[int, int, str]]:
        # A prompt that holds nothing: what stands in the real one is masked as well.
        nothing = Example(0, "", None)
        return [
            (finding.start, finding.end, f"{name}: {finding.rule}")
            for name, check in self._checks.items()
            for finding in check.check(nothing, text)
            if finding.start is not None and finding.end is not None
        ]
