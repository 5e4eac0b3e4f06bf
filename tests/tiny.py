"""A tiny random Llama with a byte-level tokenizer and a chat template: real transformers files, built in a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHATML = (
    "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]


def build_tiny(folder: Path, template: str | None = CHATML, seed: int = 0, **config: Any) -> Path:
    """Write the model to a folder and return it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    build_tokenizer(folder, template)
    torch.manual_seed(seed)
    values = {
        "vocab_size": 256 + len(SPECIAL), "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 6, "num_key_value_heads": 2, "max_position_embeddings": 512,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "initializer_range": 0.4,
    }  # fmt: skip
    model = LlamaForCausalLM(LlamaConfig(**(values | config)))
    model.save_pretrained(folder)
    return folder


def build_tokenizer(folder: Path, template: str | None = CHATML) -> Path:
    """Write a byte-level tokenizer that puts one BOS before a plain text."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from tokenizers.pre_tokenizers import ByteLevel

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *sorted(ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    values = {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>",
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "clean_up_tokenization_spaces": False,
    } | ({"chat_template": template} if template else {})  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(values))
    return folder
