"""A panel: several judges, whose verdicts on a pair are averaged, and each one's is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from alpacabench.core.errors import Problem
from alpacabench.core.exchange import Message
from alpacabench.core.records import Pair, Verdict, digest
from alpacabench.cost.expected import Expected
from alpacabench.inference.spec import ModelSpec
from alpacabench.judge.base import Judge
from alpacabench.judge.question import Question
from alpacabench.store.ask_once import AnswerStore


class Panel(Judge):
    """Judges by name. Order, seed, instruction and repeats of the panel hold for all of them."""

    name: str = "panel"
    judges: dict[str, Judge] = Field(min_length=1)

    @property
    def label(self) -> str:
        """The name and the members."""
        return f"{self.name}({'+'.join(member.label for member in self.members)})"

    @property
    def members(self) -> list[Judge]:
        """The judges, each with the panel's order, seed, instruction and repeats."""
        shared = {name: getattr(self, name) for name in ("order", "seed", "instruction", "repeats")}
        return [judge.model_copy(update=shared) for judge in self.judges.values()]

    @property
    def caution(self) -> str:
        """What the members' cautions say, each once."""
        return "; ".join(dict.fromkeys(filter(None, (member.caution for member in self.members))))

    def batch_keys(self) -> list[str]:
        """Return the keys of the members that ask in batches."""
        return [_in_panel(key, name) for name, member in self._named() for key in member.batch_keys()]

    def paid_models(self) -> list[tuple[str, str]]:
        """Return the members' models."""
        return [(_in_panel(key, name), model) for name, member in self._named() for key, model in member.paid_models()]

    def endings(self) -> list[str]:
        """Return the members' warnings."""
        return [_in_panel(warning, name) for name, member in self._named() for warning in member.endings()]

    def problems(self) -> Iterator[Problem]:
        """Check every member as it is asked; keys are named as they stand in the panel."""
        for name, member in self._named():
            for problem in member.problems():
                yield replace(problem, where=_in_panel(problem.where, name))

    def _named(self) -> Iterable[tuple[str, Judge]]:
        return zip(self.judges, self.members, strict=True)

    def identity(self) -> dict[str, Any]:
        """Return the members' identities."""
        return {"panel": [member.identity() for member in self.members]}

    def content(self) -> dict[str, Any]:
        """Return what the members' verdicts come from, by their names."""
        return {name: member.content() for name, member in self._named()}

    def templates(self) -> list[tuple[str, list[Message]]]:
        """Return the members' prompts."""
        return [named for member in self.members for named in member.templates()]

    def prompt_hash(self) -> str:
        """Return a digest of the members' hashes."""
        return digest([member.prompt_hash() for member in self.members])[:16]

    def models_to_load(self) -> frozenset[ModelSpec]:
        """Return the models of all members."""
        return frozenset().union(*(member.models_to_load() for member in self.members))

    def render(self, instruction: str, output_1: str, output_2: str) -> list[Message]:
        """Return the first member's prompt."""
        return self.members[0].render(instruction, output_1, output_2)

    def questions(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return the members' questions."""
        return [question for member in self.members for question in member.questions(pairs)]

    def expected(self, question: Question, unwritten: float = 0.0) -> Expected:
        """Return what the member that asks expects."""
        member = next(member for member in self.members if member.label == question.judge)
        return member.expected(question, unwritten)

    def probes(self, pairs: Sequence[Pair]) -> list[Question]:
        """Return the members' questions."""
        return [question for member in self.members for question in member.probes(pairs)]

    def probe(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Ask each member's server."""
        return [verdict for member in self.members for verdict in member.probe(pairs, store)]

    def judge(self, pairs: Sequence[Pair], store: AnswerStore) -> list[Verdict]:
        """Return every member's verdicts, one member after the other."""
        return [verdict for member in self.members for verdict in member.judge(pairs, store)]


def _in_panel(key: str, name: str) -> str:
    """Return a key of a judge as it stands under a member's name."""
    return key.replace("judge", f"judge.judges.{name}", 1)
