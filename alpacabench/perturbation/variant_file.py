"""Variants that somebody wrote: a JSON-lines file of instructions and their rewordings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from alpacabench.core.errors import AlpacabenchError, DataError, Problem
from alpacabench.core.records import Example, Prompt
from alpacabench.io.json_text import loads
from alpacabench.perturbation.base import Edited, Perturbation
from alpacabench.perturbation.validity.distance import levenshtein

_ROW = 'one JSON object per line: {"instruction": "...", "paraphrases": ["...", ...]}'


class FileVariants(Perturbation):
    """Takes each text's variant from a file; strength is its rank, from the closest (near 0) to the farthest (1)."""

    path: str | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield a problem where the file is not named, missing or malformed."""
        try:
            read_variants(self._file())
        except AlpacabenchError as error:
            yield Problem(
                "perturbation.path", str(error).removeprefix("perturbation.path is "), f"give a file with {_ROW}"
            )

    def rewrite(self, text: str, strength: float, seed: int, item_id: str) -> Edited:
        """Return the variant of this rank, or the text itself where the file has no variant of it."""
        path = self._file()
        variants = read_variants(path).get(text)
        if not variants:
            raise DataError(
                f"{path}: no variants of item {item_id}: {text[:80]!r}; add a row for it, or choose a subset"
            )
        return Edited(self.ranked(text, variants, strength), 1)

    @staticmethod
    def ranked(text: str, variants: Sequence[str], strength: float) -> str:
        """Return the variant of the strength's rank by distance from the text."""
        ranked = sorted(variants, key=lambda variant: (levenshtein(text, variant), variant))
        return ranked[math.ceil(strength * len(ranked)) - 1]

    def apply(self, examples: Sequence[Example]) -> list[Prompt]:
        """Return one prompt per example; all examples without a variant are named in one error."""
        if self.strength > 0.0:
            known = read_variants(self._file())
            missing = [example for example in examples if not known.get(example.last_turn)]
            if missing:
                names = ", ".join(f"{example.index} ({example.last_turn[:40]!r})" for example in missing[:3])
                raise DataError(
                    f"{self.path}: no variants of {len(missing)} of {len(examples)} examples: {names}"
                    f"{', ...' if len(missing) > 3 else ''}; add a row for each, or choose a smaller subset"
                )
        return super().apply(examples)

    def _file(self) -> str:
        if self.path is None:
            raise DataError("perturbation.path is null: this family reads its variants from a file")
        return self.path


@lru_cache(maxsize=4)
def read_variants(path: str) -> dict[str, tuple[str, ...]]:
    """Return instruction -> variants; DataError names the file and row that cannot be used."""
    if not Path(path).is_file():
        raise DataError(f"{path}: no such file")
    rows: dict[str, tuple[str, ...]] = {}
    with Path(path).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                instruction, variants = _row(f"{path}, row {number}", line)
                rows[instruction] = rows.get(instruction, ()) + variants
    return rows


def _row(where: str, line: str) -> tuple[str, tuple[str, ...]]:
    try:
        row = loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON ({error}); expected {_ROW}") from error
    instruction, variants = (row.get("instruction"), row.get("paraphrases")) if isinstance(row, dict) else (None, None)
    texts = variants if isinstance(variants, list) else [None]
    if not isinstance(instruction, str) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise DataError(f"{where}: instruction or paraphrases missing, empty or not text; expected {_ROW}")
    return instruction, tuple(texts)
