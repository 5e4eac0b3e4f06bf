"""Search over the documents of the row, by BM25: the same words find the same documents, always."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from alpacabench.tools.base import Row, Tool

K1, B = 1.2, 0.75
"""BM25's usual constants: how soon a repeated word counts no more, and how much length counts."""
_WORD = re.compile(r"\w+")


class Search(Tool):
    """Finds those of the row's `documents` that fit a query best; a row without documents is not offered it."""

    name: ClassVar[str] = "search"
    description: ClassVar[str] = "Search the documents at hand and return the passages that fit the query best."
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"query": {"type": "string", "description": "the words to look for"}},
        "required": ["query"],
        "additionalProperties": False,
    }
    repeatable: ClassVar[bool] = True

    top: int = Field(3, ge=1, le=50)
    """Most documents that are returned."""

    def applies(self, row: Row) -> bool:
        """Return whether the row has documents."""
        return bool(row.get("documents"))

    def check_row(self, row: Row) -> None:
        """Look at the documents: a list of texts, or of objects with `text` and optionally `id` and `title`.

        Raises:
            ValueError: they are neither.

        """
        _documents(row)

    def call(self, arguments: dict[str, Any], row: Row) -> list[dict[str, Any]]:
        """Return the best documents, best first, each with `id`, `text`, `score` and its `title` where it has one."""
        documents = _documents(row)
        texts = [f"{document.get('title', '')} {document['text']}" for document in documents]
        scores = bm25(arguments["query"], texts)
        best = sorted(range(len(documents)), key=lambda i: (-scores[i], i))[: self.top]
        return [documents[i] | {"score": round(scores[i], 4)} for i in best if scores[i] > 0]


def bm25(query: str, texts: Sequence[str]) -> list[float]:
    """Return the score of each text for a query: the sum over the query's words of idf * tf (k1 + 1) / (tf + k1 norm).

    idf = ln(1 + (N - n + 0.5) / (n + 0.5)) and norm = 1 - b + b * length / mean length (Robertson and Zaragoza, The
    Probabilistic Relevance Framework: BM25 and Beyond, 2009, with Lucene's idf, which is never negative).
    """
    counts = [Counter(_words(text)) for text in texts]
    lengths = [sum(count.values()) for count in counts]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    scores = [0.0] * len(texts)
    for word in dict.fromkeys(_words(query)):
        holding = sum(word in count for count in counts)
        idf = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        for i, count in enumerate(counts):
            if times := count[word]:
                norm = 1 - B + B * lengths[i] / mean
                scores[i] += idf * times * (K1 + 1) / (times + K1 * norm)
    return scores


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _documents(row: Row) -> list[dict[str, Any]]:
    given = row.get("documents") or []
    if not isinstance(given, list):
        raise ValueError(
            f"'documents' is a {type(given).__name__}; a list of texts, or of objects with 'text', is needed"
        )
    found = []
    for number, document in enumerate(given, start=1):
        plain = {"text": document} if isinstance(document, str) else document
        if not isinstance(plain, Mapping) or not isinstance(plain.get("text"), str):
            raise ValueError(f"document {number} of 'documents' is {document!r:.80}; a text, or an object with 'text'")
        titled = {"title": str(plain["title"])} if plain.get("title") else {}
        found.append({"id": plain.get("id", number), **titled, "text": plain["text"]})
    return found
