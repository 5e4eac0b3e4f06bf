"""Keys that shipped options have taken on since they were first released, and classes that were split off since.

A job's identity and the name of its speed are digests of its configuration. Where an option has a
key by inheriting another one's, at the value that it inherits, the key is left out of them: a sweep made before
is the same sweep today.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEMPLATE: Mapping[str, Any] = {"template_arguments": {}}
_HF: Mapping[str, Any] = {"base": None, **_TEMPLATE}
_CODE = {"trust_remote_code": False, "allow_pickle": False, **_HF}

INHERITED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "model": {
        "smollm2_135m": {"quantization": None, **_CODE},
        "recorded": {"generator": None},
        "hf": _HF,
        "vllm": _TEMPLATE,
        **{name: _CODE for name in ("gemma", "hh_llama32_1b_sft", "llama", "mistral", "qwen")},
    },
    "dataset": {name: {"content_digest": None} for name in ("demo", "humaneval", "jsonl")},
    "judge": {name: {"name": None} for name in ("alpaca_eval", "longest", "recorded")},
}
"""By group and option: the key and the value that it inherits."""

OTHER_THEN: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "model": {"smollm2_135m": {"name": "SmolLM2-135M-Instruct"}},
}
"""By group and option: the key that is null today, and the value that the option stated when it was first released."""

ADDED: Mapping[str, Mapping[str, Any]] = {"judge": {"canaries": 0}}
"""By group: keys that every option has taken on since, a panel's members, too."""

OF_TOOLS = ("tools", "max_steps", "tool_failures")
"""Keys that determine nothing where there are no tools."""

SPLIT_OFF = {"alpacabench.judge.written.GeminiJudge": "alpacabench.judge.written.WrittenJudge"}
"""Classes that ask the same as the one that they come from."""


def as_first_released(resolved: Mapping[str, Any], choices: Mapping[str, str]) -> dict[str, Any]:
    """Return a configuration without the keys that its options have inherited since, where they are as inherited."""
    found = {key: value for key, value in resolved.items() if resolved.get("tools") or key not in OF_TOOLS}
    for group, options in INHERITED.items():
        later = options.get(choices.get(group, ""), {})
        if isinstance(found.get(group), Mapping):
            kept = {key: value for key, value in found[group].items() if key not in later or value != later[key]}
            then = OTHER_THEN.get(group, {}).get(choices.get(group, ""), {})
            kept |= {key: value for key, value in then.items() if kept.get(key) is None}
            found[group] = _joined(_without(kept, ADDED.get(group, {})))
    return found


def _without(value: Any, added: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {key: _without(item, added) for key, item in value.items() if key not in added or item != added[key]}


def _joined(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _joined(item) for key, item in value.items()}
    return SPLIT_OFF.get(value, value) if isinstance(value, str) else value
