"""Writes a Llama, Qwen2 or Qwen3 and its byte-level tokenizer as a GGUF file, as llama.cpp's converter does."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

NAMES = {
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers.": "blk.",
}
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def write_gguf(path: Path, model: Any, tokenizer: Any, *, architecture: str = "") -> Path:
    """`model` in float32 with untied embeddings, or with tied ones; all types are ordinary but the end token."""
    from gguf import GGUFWriter, TokenType

    config = model.config
    writer = GGUFWriter(path, architecture or config.model_type)
    writer.add_name("tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    if config.model_type == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(config.vocab_size)
    backend = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    words = sorted(backend["vocab"], key=backend["vocab"].get)
    control = set(tokenizer.all_special_tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(words)
    writer.add_token_types([TokenType.CONTROL if word in control else TokenType.NORMAL for word in words])
    writer.add_token_merges([" ".join(pair) for pair in backend["merges"]])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template(TEMPLATE)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        array = weight.numpy()
        if config.model_type == "llama" and ("q_proj" in name or "k_proj" in name):
            array = _interleave(array, config.num_attention_heads if "q_proj" in name else config.num_key_value_heads)
        theirs = functools.reduce(lambda text, pair: text.replace(*pair), NAMES.items(), name)
        writer.add_tensor(theirs, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _interleave(weight: Any, heads: int) -> Any:
    """llama.cpp turns neighbouring pairs of a head's numbers, transformers turns its two halves."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
