"""Adds low-rank adapters (LoRA, Hu et al. 2021) to a causal model, and merges them into plain weights at the end."""

from typing import Any


def add_adapters(model: Any, *, seed: int, rank: int, alpha: int, dropout: float, targets: str) -> Any:
    """`model` with adapters in float32, all else frozen; `targets` is "all-linear" or a pattern of module names."""
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    set_seed(seed)
    settings = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=targets, task_type="CAUSAL_LM")
    try:
        return get_peft_model(model, settings)
    except ValueError as error:
        raise ValueError(
            f"finetune.lora_targets {targets!r} matches no module: set it to all-linear ({error})"
        ) from error


def merge_adapters(model: Any, state: dict[str, Any]) -> Any:
    """A plain model with the weights of `state`, those of the adapted `model`, adapters added in.

    Built empty and filled from `state`, so that it works where each process has only a part of `model` (FSDP). The sum
    is rounded to the dtype of the weights: in bfloat16 that loses a little of what was learned.
    """
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(model.get_base_model().config)
        filled = get_peft_model(empty, model.peft_config["default"])
    filled.load_state_dict(state, assign=True)
    filled.get_base_model().tie_weights()  # each of two tied weights was loaded by itself
    return filled.merge_and_unload()
