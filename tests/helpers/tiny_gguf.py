"""The tiny Llama as a GGUF file: llama.cpp's names and order of weights, with its tokenizer inside."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.tiny import CHATML, SPECIAL, build_tiny

CONTROL, NORMAL = 3, 1
"""GGUF's token types."""


def build_tiny_gguf(folder: Path, template: str | None = CHATML) -> tuple[Path, Path]:
    """Write the same weights as a directory and as a file; return both."""
    from gguf import GGUFWriter
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # transformers reads no vocabulary without merges, so the file has a token more, which is never written.
    directory = build_tiny(folder / "tiny", template, vocab_size=256 + len(SPECIAL) + 1)
    model = AutoModelForCausalLM.from_pretrained(directory)
    model.lm_head.weight.data[-1] = 0
    model.save_pretrained(directory)
    config = model.config
    file = folder / "tiny.gguf"
    writer = GGUFWriter(file, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    vocabulary = AutoTokenizer.from_pretrained(directory).get_vocab()
    tokens = [*sorted(vocabulary, key=vocabulary.__getitem__), "!!"]
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if token in SPECIAL else NORMAL for token in tokens])
    writer.add_token_merges(["! !"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    if template:
        writer.add_chat_template(template)
    _add_weights(writer, model)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return directory, file


def _add_weights(writer: object, model: object) -> None:
    from gguf import MODEL_ARCH, get_tensor_name_map

    config = model.config
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, weight in model.state_dict().items():
        for projection, count in heads.items():
            if projection in name:  # llama.cpp rotates neighbouring dimensions, transformers the two halves
                rows, columns = weight.shape
                weight = weight.reshape(count, 2, rows // count // 2, columns).transpose(1, 2).reshape(rows, columns)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), weight.contiguous().numpy())
