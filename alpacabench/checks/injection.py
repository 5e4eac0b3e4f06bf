"""Text in an answer that is meant for the judge: orders, imitated judge prompts, broken delimiters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alpacabench.checks.base import Check
from alpacabench.core.records import Example, Finding

RULES = {
    "judge_prompt": re.compile(
        r"model_identifier|##\s*Model Outputs\b|##\s*Which Output is Best|"
        r"\"output\"\s*:\s*(?:\"\"\"|\")[^\n]*\n?\s*\}\s*,?\s*\{",
        re.IGNORECASE,
    ),
    "chat_template": re.compile(
        r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|system|assistant|user)\|>|"
        r"<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|^###\s*(?:Human|Assistant|System)\s*:",
        re.IGNORECASE | re.MULTILINE,
    ),
    "order_to_forget": re.compile(
        r"\b(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+)?(?:of\s+)?(?:the\s+|your\s+|my\s+)?"
        r"(?:above|previous|prior|preceding|earlier|foregoing)(?:\s+(?:instructions?|prompts?|text|rules|orders))?\b",
        re.IGNORECASE,
    ),
    "order_to_the_judge": re.compile(
        r"\b(?:judge|grader|evaluator|rater|annotator)s?\b[^.\n]{0,60}\b(?:must|should|please|shall|have to|always)\b"
        r"[^.\n]{0,60}\b(?:prefer|choose|pick|select|rank|rate|score|vote|favou?r|output|reply|answer|respond)\b|"
        r"\b(?:prefer|choose|pick|select|vote for|rank|rate|score)\s+(?:this|my|the (?:first|second|above|present))\s+"
        r"(?:answer|output|response|reply|completion)\b[^.\n]{0,40}\b(?:as|first|best|highest|winner|over|above|with|10)\b|"
        r"\b(?:this|my|the (?:first|second)) (?:answer|output|response)\s+(?:is|must be|should be)\s+"
        r"(?:clearly |by far |always )?(?:the )?(?:best|better|preferred|ranked first|the winner)\b|"
        r"^[ \t]*(?:note|message|instruction)s?\s+(?:to|for)\s+(?:the\s+)?(?:judge|grader|evaluator|rater)s?\b",
        re.IGNORECASE | re.MULTILINE,
    ),
}
"""By rule: what an honest answer has no reason to hold."""


class Injection(Check):
    """Finds text that speaks to the judge, or closes its prompt; what the prompt itself holds is no finding."""

    def check(self, example: Example, answer: str) -> Iterator[Finding]:
        """Yield each place that speaks to the judge."""
        for rule, pattern in RULES.items():
            # A prompt that asks about such text has an honest reason for it in the answer.
            if pattern.search(example.instruction):
                continue
            for found in pattern.finditer(answer):
                yield Finding(rule, f"text for the judge ({rule.replace('_', ' ')})", found.start(), found.end())
