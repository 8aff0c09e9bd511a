"""Turns token rows into inputs and labels of TRL's trainer, and checks that rows may be packed end to end."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

TokenRow = tuple[Sequence[int], Sequence[int]]
Batch = dict[str, Any]
Packing = Literal["none", "exact"]
EMPTY_ROW: TokenRow = ((), ())  # fills up a step: one padding token without a loss
IGNORED = -100  # the label that carries no loss


def label_tokens(row: TokenRow, pad: int) -> dict[str, list[int]]:
    """The input and labels of one (prompt, completion) row; only the completion carries a loss."""
    prompt, completion = row
    if not any(row):
        return {"input_ids": [pad], "labels": [IGNORED]}
    return {"input_ids": [*prompt, *completion], "labels": [IGNORED] * len(prompt) + [*completion]}


def require_exact_packing(config: Any, dtype: Any, device: Any, attention: str) -> None:
    """ValueError where a model of this kind attends from one packed row to another: tested on two layers of it.

    `dtype` is that of the arithmetic, which a kernel of a GPU may want in half precision.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    small = type(config).from_dict(config.to_dict() | {"num_hidden_layers": 2, "use_cache": False})
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.randint(config.vocab_size, (9,), generator=generator).tolist() for _ in range(2))
    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    with torch.device(device), torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(small, dtype=dtype, attn_implementation=attention).eval()
        together, alone = (
            model(**_without_labels(collate(rows), device)).logits[0, -len(second) :].float()
            for rows in ([label_tokens((first, ()), 0), label_tokens((second, ()), 0)], [label_tokens((second, ()), 0)])
        )
    gap = float((together - alone).abs().mean() / alone.std())
    if gap > (1e-3 if dtype == torch.float32 else 0.05):
        raise ValueError(
            f"finetune.packing exact is not exact here: {type(model).__name__} with attention {attention} gives a row "
            f"other logits beside another row than alone (by {gap:.1%}): set finetune.packing to none"
        )


def _without_labels(batch: Mapping[str, Any], device: Any) -> Batch:
    import torch

    inputs = {name: value for name, value in batch.items() if name != "labels"}
    return {name: value.to(device) if torch.is_tensor(value) else value for name, value in inputs.items()}
