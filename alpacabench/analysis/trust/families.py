"""Which family a model is of, by its name: models of one maker are trained alike, and may like each other's answers."""

from __future__ import annotations

import re

FAMILIES = {
    "DeepSeek": r"deepseek", "Nvidia": r"nemotron", "Anthropic": r"claude",
    "OpenAI": r"gpt|davinci|(?<![a-z0-9])o[134](?![a-z0-9])", "Google": r"gemini|gemma|(?<![a-z])palm|(?<![a-z])bard",
    "Mistral": r"mi[sx]tral|ministral|magistral|codestral|devstral", "Qwen": r"qwen|qwq",
    "Meta": r"llama|vicuna",
    "Microsoft": r"(?<![a-z])phi(?![a-z])|wizardlm", "Cohere": r"cohere|command-r|(?<![a-z])aya(?![a-z])",
    "Zhipu": r"glm", "Moonshot": r"kimi|moonshot", "xAI": r"grok", "01.AI": r"(?<![a-z])yi(?![a-z])",
    "Ai2": r"olmo|tulu", "Hugging Face": r"smollm|zephyr", "IBM": r"granite", "TII": r"falcon",
    "Amazon": r"(?<![a-z])nova(?![a-z])|titan", "LG": r"exaone", "Tencent": r"hunyuan", "Baidu": r"ernie",
}  # fmt: skip
"""By maker: how its models are called. The first that fits counts: distilled models are their maker's."""
GENERIC = frozenset(
    ("model", "judge", "the", "test", "run", "local", "longest", "recorded", "reference", "panel", "baseline", "base",
     "weighted", "alpaca", "unknown", "own", "open")
)  # fmt: skip
"""First words of names that say nothing of a family."""


def family_of(*names: str) -> str | None:
    """Return the family that the first telling name says; of an unknown maker the name's first word, else None."""
    for name in names:
        text = name.lower().replace("llama.cpp", "")
        for maker, pattern in FAMILIES.items():
            if re.search(pattern, text):
                return maker
    for name in names:
        word = re.match(r"[a-z]{3,}", re.split(r"[/\\:]", name.lower().rstrip("/"))[-1])
        if word and word[0] not in GENERIC:
            return word[0]
    return None
