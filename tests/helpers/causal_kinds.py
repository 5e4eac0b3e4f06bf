"""Every causal kind of transformers, tiny and random: its configuration's sizes made small, its weights seeded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.helpers.tiny import build_tokenizer

VOCABULARY = 264
SMALL: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "embedding_size", "attention_hidden_size", "lru_width",
                     "emb_dim", "input_embedding_size", "output_embedding_size", "embedding_dim", "encoder_hidden_size",
                     "word_embed_proj_dim", "backbone_hidden_size", "ple_embed_dim"), 48),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "decoder_ffn_dim", "encoder_ffn_dim", "d_ff", "dim_ff", "dff",
                     "ffn_hidden_size", "moe_intermediate_size", "shared_expert_intermediate_size", "n_inner",
                     "shared_intermediate_size", "feed_forward_size", "intermediate_size_mlp", "expert_ffn_hidden_size",
                     "dense_intermediate_size", "moe_shared_expert_intermediate_size", "adapter_hidden_size",
                     "shared_experts_intermediate_size", "mlp_dim"), 64),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "encoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads",
                     "encoder_attention_heads"), 4),
    **dict.fromkeys(("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "moe_topk", "top_k_experts"), 2),
    "num_key_value_heads": 2, "num_kv_heads": 2, "vocab_size": VOCABULARY, "head_dim": 12, "kv_lora_rank": 16,
    "q_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 12, "qk_head_dim": 16,
    "global_head_dim": 24, "vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 8,
    "sliding_window": 8, "decoder_vocab_size": VOCABULARY, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
    "max_position_embeddings": 1024, "n_positions": 1024,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
"""What a configuration's sizes become, by name, wherever it has them."""

LATENT = {"num_key_value_heads": 4, "head_dim": 8}
EXPERTS = {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1}
MAMBA2 = {"mamba_n_heads": 8, "mamba_d_head": 12, "mamba_d_state": 8, "mamba_n_groups": 1, "num_hidden_layers": 4}
HYBRID = {"num_hidden_layers": 4, "layer_types": ["linear_attention"] * 3 + ["full_attention"]}
LINEAR = HYBRID | {"linear_num_key_heads": 2, "linear_num_value_heads": 4}
NOTE = LATENT | {
    "head_dim": 16, "layer_types": ["indexed_attention", "sliding_attention"], "per_layer_config": {},
    "mlp_layer_types": ["dense", "sparse"], "index_n_heads": 4, "index_head_dim": 12,
}  # fmt: skip
INDEXED = LINEAR | {
    "layer_types": ["linear_attention"] * 3 + ["indexed_attention"], "indexer_n_heads": 4, "indexer_kv_heads": 1,
    "indexer_head_dim": 12, "indexer_budget": 16, "indexer_compress_ratio": 4, "hc_lowrank": 8,
}  # fmt: skip

OWN: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        (
            "axk2",
            "deepseek_v3",
            "deepseek_v32",
            "glm4_moe_lite",
            "glm_moe_dsa",
            "longcat_flash",
            "minicpm3",
            "youtu",
        ),
        LATENT,
    ),
    "deepseek_v2": LATENT | EXPERTS,
    "dots1": EXPERTS | {"n_shared_experts": 1},
    "dots3_note_text": NOTE,
    "dots3_note": {
        "text_config": NOTE,
        "vision_config": {"adapter_in_dim": 48, "adapter_out_dim": 48},
        "audio_config": {"adapter_input_size": 48, "adapter_out_dim": 48, "num_key_value_heads": 4},
    },
    **dict.fromkeys(("qwen3_next", "qwen3_5_text", "qwen3_5_moe_text"), LINEAR),
    **dict.fromkeys(("qwen3_5", "qwen3_5_moe"), {"text_config": LINEAR}),
    "qwen4_exp_text": INDEXED,
    "qwen4_exp": {"text_config": INDEXED},
    "bailing_hybrid": HYBRID | LATENT | EXPERTS | {"num_experts": 4},
    "axk1": LATENT | EXPERTS,
    "falcon_h1": {"mamba_d_ssm": 96, "mamba_n_heads": 8, "mamba_d_head": 12, "mamba_d_state": 8},
    "kimi_linear": HYBRID
    | LATENT
    | EXPERTS
    | {"num_experts": 4, "num_expert_group": 1, "linear_head_dim": 8, "linear_num_heads": 4},
    "bamba": MAMBA2 | {"attn_layer_indices": [2]},
    "granitemoehybrid": MAMBA2 | {"layer_types": ["linear_attention"] * 3 + ["full_attention"]},
    "lfm3": {"num_hidden_layers": 4, "layer_types": ["conv", "conv", "full_attention", "conv"]},
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "jamba": {"num_hidden_layers": 4, "attn_layer_period": 4, "attn_layer_offset": 2, "mamba_dt_rank": 4},
    "recurrent_gemma": {
        "num_hidden_layers": 4,
        "block_types": ["recurrent", "attention"],
        "attention_window_size": 2048,
    },
    "codegen": {"rotary_dim": 8},
    "gptj": {"rotary_dim": 8},
    "blt": {"encoder_hash_byte_group_vocab": 64, "vocab_size": 264},
    "cohere_compass_text": {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 10000.0}}},
    "dbrx": {"attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8.0}},
    "emu3": {"vocabulary_map": {"<|extra_200|>": 200, "<|visual token 000000|>": 201}},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "gemma3n_text": {
        "num_hidden_layers": 4,
        "num_kv_shared_layers": 2,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
    },
    **dict.fromkeys(("hunyuan_v1_dense", "hunyuan_v1_moe", "ministral"), {"head_dim": 12}),
    "nemotron": {"head_dim": 12, "num_key_value_heads": 2},
    "mamba2": {"num_heads": 8, "head_dim": 12, "n_groups": 1, "state_size": 8},
    "stablelm": {"hidden_size": 64},
    "xlstm": {"hidden_size": 64, "embedding_dim": 64, "num_heads": 4, "qk_dim_factor": 1.0},
    "reformer": {
        "is_decoder": True,
        "axial_pos_embds_dim": [16, 32],
        "axial_pos_shape": [32, 32],
        "attention_head_size": 12,
    },
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        "num_hidden_layers": 4,
        "layer_types": ["linear_attention", "hybrid"] * 2,
        "attention_hidden_size": 96,
        "attention_head_dim": 24,
        "mamba_dt_rank": 4,
    },
    "zamba2": {
        "num_hidden_layers": 4,
        "layer_types": ["linear_attention", "hybrid"] * 2,
        "hybrid_layer_ids": [1, 3],
        "attention_hidden_size": 96,
        "attention_head_dim": 24,
        "mamba_headdim": 12,
        "n_mamba_heads": 8,
        "kv_channels": 12,
        "num_query_groups": 4,
        "adapter_rank": 8,
    },
    "zaya": {"num_experts_per_tok": 1, "router_hidden_size": 16},
}
"""What single kinds need beside."""


WHOLE = {"emu3": "Emu3ForConditionalGeneration", "mllama": "MllamaForConditionalGeneration"}
"""Kinds whose text part alone is saved as another kind, which no causal class reads: their checkpoints are whole."""


def kinds() -> list[str]:
    """Return the names of all causal kinds that the installed transformers has."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def shrunk(values: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration's values with small sizes, in its parts, too."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in own:
            found[name] = (
                shrunk(value, own[name]) if isinstance(own[name], dict) and isinstance(value, dict) else own[name]
            )
        elif isinstance(value, dict) and name.endswith("config"):
            found[name] = shrunk(value, own.get(name, {}))
        elif name in SMALL and value is not None:
            found[name] = SMALL[name]
    return found | {name: value for name, value in own.items() if name not in found}


def config(kind: str) -> Any:
    """Return the kind's configuration with small sizes."""
    from transformers import CONFIG_MAPPING

    made = CONFIG_MAPPING[kind]
    values = made().to_dict()
    return made(**shrunk(values, OWN.get(kind, {})))


def build(kind: str, folder: Path) -> Path:
    """Write a random model of that kind, float32, with a byte-level tokenizer."""
    import torch
    import transformers

    torch.manual_seed(0)
    made = config(kind)
    whole = getattr(transformers, WHOLE[kind]) if kind in WHOLE else None
    model = (whole(made) if whole else transformers.AutoModelForCausalLM.from_config(made)).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.25)
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = 2, 0
    model.save_pretrained(folder)
    return build_tokenizer(folder)


def stand_in(kind: str, folder: Path) -> Path:
    """Write what a directory of a kind that cannot be built begins with: its name, a weight, a tokenizer."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    save_file({"weight": torch.zeros(1)}, folder / "model.safetensors", metadata={"format": "pt"})
    return build_tokenizer(folder)
