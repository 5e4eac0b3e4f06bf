"""Tokenizers in the style of four families: their special tokens, the form of their templates, their way with BOS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Family:
    """What a family's tokenizer files say."""

    special: tuple[str, ...]
    """Special tokens; their ids are their places."""
    bos: str | None
    eos: str
    """By the tokenizer."""
    generation_eos: tuple[str, ...]
    """By the generation config."""
    template: str
    prompt: tuple[str, ...]
    """What the question `Hi` must become: special tokens and plain text."""
    stops: tuple[str, ...]


LLAMA3 = Family(
    ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>"),
    "<|begin_of_text|>", "<|eot_id|>", ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
    "{% for m in messages %}{{ bos_token if loop.first else '' }}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    ("<|begin_of_text|>", "<|start_header_id|>", "user", "<|end_header_id|>", "\n\nHi", "<|eot_id|>",
     "<|start_header_id|>", "assistant", "<|end_header_id|>", "\n\n"),
    ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
)  # fmt: skip

# Its generation config names only <eos>, as many fine-tuned Gemmas do: the end of the turn must be found.
GEMMA = Family(
    ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"),
    "<bos>", "<eos>", ("<eos>",),
    "{{ bos_token }}{% for m in messages %}{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "<start_of_turn>{{ role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    ("<bos>", "<start_of_turn>", "user\nHi", "<end_of_turn>", "\n", "<start_of_turn>", "model\n"),
    ("<eos>", "<end_of_turn>"),
)  # fmt: skip

QWEN = Family(
    ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    None, "<|im_end|>", ("<|im_end|>", "<|endoftext|>"),
    "{% if messages[0].role != 'system' %}<|im_start|>system\nBe helpful.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    ("<|im_start|>", "system\nBe helpful.", "<|im_end|>", "\n", "<|im_start|>", "user\nHi", "<|im_end|>", "\n",
     "<|im_start|>", "assistant\n"),
    ("<|im_end|>", "<|endoftext|>"),
)  # fmt: skip

MISTRAL = Family(
    ("<unk>", "<s>", "</s>", "[INST]", "[/INST]"),
    "<s>", "</s>", ("</s>",),
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }}[/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}",
    ("<s>", "[INST]", " Hi", "[/INST]"),
    ("</s>",),
)  # fmt: skip

FAMILIES = {"llama3": LLAMA3, "gemma": GEMMA, "qwen": QWEN, "mistral": MISTRAL}


def build_family(folder: Path, family: Family) -> Any:
    """Return a byte-level tokenizer of that family, read from files; a plain text gets a BOS where there is one."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import AutoTokenizer

    vocabulary = {token: i for i, token in enumerate([*family.special, *sorted(ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in family.special])
    if family.bos:
        pair = (family.bos, vocabulary[family.bos])
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{family.bos} $A", special_tokens=[pair])
    tokenizer.save(str(folder / "tokenizer.json"))
    values = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": family.eos, "chat_template": family.template,
        "clean_up_tokenization_spaces": False,
    } | ({"bos_token": family.bos} if family.bos else {})  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(values))
    return AutoTokenizer.from_pretrained(folder)
