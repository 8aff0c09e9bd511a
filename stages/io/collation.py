"""Token rows → the tensors of one batch: padded to one width, or laid end to end where attention keeps them apart."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

Row = tuple[Sequence[int], Sequence[int]]
Batch = dict[str, Any]
Packing = Literal["none", "exact"]
EMPTY: Row = ((), ())  # fills up a step: it is read as one padding token, and no loss falls on it
IGNORED = -100  # the label that carries no loss


def collator(packing: Packing, pad: int, attention: str) -> Callable[[Sequence[Row]], Batch]:
    """(prompt, completion) rows → input and labels, where only the completions carry a loss."""
    if packing == "none":
        return lambda rows: _padded(rows, pad)
    return lambda rows: _packed(rows, pad, spans=attention == "flash_attention_2")


def _padded(rows: Sequence[Row], pad: int) -> Batch:
    import torch

    width = max(1, *(len(prompt) + len(completion) for prompt, completion in rows))
    tokens, labels = zip(*(_flat(row, pad) for row in rows), strict=True)
    return {
        "input_ids": torch.tensor([[*some, *[pad] * (width - len(some))] for some in tokens]),
        "attention_mask": torch.tensor([[1] * len(some) + [0] * (width - len(some)) for some in tokens]),
        "labels": torch.tensor([[*some, *[IGNORED] * (width - len(some))] for some in labels]),
    }


def _packed(rows: Sequence[Row], pad: int, spans: bool) -> Batch:
    import torch

    parts = [_flat(row, pad) for row in rows if any(row)] or [_flat(EMPTY, pad)]
    lengths = [len(tokens) for tokens, _ in parts]
    batch: Batch = {
        "input_ids": torch.tensor([[token for tokens, _ in parts for token in tokens]]),
        "position_ids": torch.tensor([[at for length in lengths for at in range(length)]]),
        "labels": torch.tensor([[label for _, labels in parts for label in labels]]),
    }
    if spans:  # else each layer would find the borders again
        ends = torch.tensor([0, *lengths]).cumsum(0).to(torch.int32)
        batch |= {"cu_seq_lens_q": ends, "cu_seq_lens_k": ends}
        batch |= {"max_length_q": max(lengths), "max_length_k": max(lengths)}
    return batch


def _flat(row: Row, pad: int) -> tuple[list[int], list[int]]:
    prompt, completion = row
    if not any(row):
        return [pad], [IGNORED]
    return [*prompt, *completion], [IGNORED] * len(prompt) + [*completion]


def require_exact_packing(config: Any, dtype: Any, device: Any, attention: str) -> None:
    """ValueError where a model of this kind sees from one packed row into another: tried on two layers of it."""
    import torch
    from transformers import AutoModelForCausalLM

    small = type(config).from_dict(config.to_dict() | {"num_hidden_layers": 2, "use_cache": False})
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.randint(config.vocab_size, (9,), generator=generator).tolist() for _ in range(2))
    collate = collator("exact", 0, attention)
    with torch.device(device), torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(small, dtype=dtype, attn_implementation=attention).eval()
        together, alone = (
            model(**_without_labels(collate(rows), device)).logits[0, -len(second) :].float()
            for rows in ([(first, ()), (second, ())], [(second, ())])
        )
    gap = float((together - alone).abs().mean() / alone.std())
    if gap > (1e-3 if dtype == torch.float32 else 0.05):
        raise ValueError(
            f"packing exact is not exact here: {type(model).__name__} with attention {attention} gives a row other "
            f"logits beside another row than alone (by {gap:.1%}): set finetune.packing to none"
        )


def _without_labels(batch: Mapping[str, Any], device: Any) -> Batch:
    import torch

    kept = {name: value for name, value in batch.items() if name != "labels"}
    return {name: value.to(device) if torch.is_tensor(value) else value for name, value in kept.items()}
