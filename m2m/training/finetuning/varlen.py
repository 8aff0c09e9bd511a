"""Attention of rows that are packed end to end, each by itself and without a mask: linear in the number of rows."""

from inspect import signature
from typing import Any

from m2m.models import Attention
from m2m.training.finetuning.collation import Packing

NOT_SUPPORTED = ("sliding_window", "softcap", "s_aux")  # what some models' attention adds, by transformers' names


def register_varlen(attention: Attention, packing: Packing, dtype: str) -> None:
    """Make transformers know `varlen`. ValueError where the other settings do not go with it."""
    import torch
    from transformers import AttentionInterface

    if attention != "varlen":
        return
    if packing != "exact":
        raise ValueError(f"finetune.attention varlen is for packed rows: set finetune.packing to exact, got {packing}")
    if torch.cuda.is_available() and dtype == "float32":
        raise ValueError(
            "finetune.attention varlen computes in bfloat16 on a GPU: set finetune.dtype to mixed or bfloat16, "
            "or finetune.attention to sdpa"
        )
    AttentionInterface.register("varlen", attend_rows)


def attend_rows(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: Any = None,
    max_length_q: int | None = None,
    **rest: Any,
) -> tuple[Any, None]:
    """Causal attention within each row, in the form of transformers' attention functions.

    `query` is 1 × heads × tokens × width, `cu_seq_lens_q` where each row begins and the last one ends. On a GPU it is
    torch's flash kernel for rows of any length, on a CPU one row after another. ValueError without those borders,
    with dropout, and for a model whose attention is not the plain one.
    """
    unusual = [name for name in NOT_SUPPORTED if rest.get(name) is not None] + (["dropout"] if dropout else [])
    if cu_seq_lens_q is None or max_length_q is None or unusual:
        reason = f"this model's attention has {unusual[0]}" if unusual else "the rows' borders are missing"
        raise ValueError(f"finetune.attention varlen cannot run, because {reason}: set finetune.attention to sdpa")
    attend = _attend_on_gpu if query.is_cuda else _attend_each
    queries, keys, values = (part[0].transpose(0, 1) for part in (query.to(value.dtype), key.to(value.dtype), value))
    return attend(queries, keys, values, cu_seq_lens_q, int(max_length_q), scaling)[None], None


def _attend_on_gpu(query: Any, key: Any, value: Any, borders: Any, longest: int, scaling: float | None) -> Any:
    """tokens × heads × width, in half precision; several heads may share a key."""
    from torch.nn.attention.varlen import varlen_attn

    borders = borders.to(query.device)
    must_ask = "enable_gqa" in signature(varlen_attn).parameters  # since torch 2.12
    shared: dict[str, Any] = {"enable_gqa": True} if must_ask and query.shape[1] != key.shape[1] else {}
    return varlen_attn(
        query.contiguous(),
        key.contiguous(),
        value.contiguous(),
        borders,
        borders,
        longest,
        longest,
        scale=scaling,
        window_size=(-1, 0),  # causal
        **shared,
    )


def _attend_each(query: Any, key: Any, value: Any, borders: Any, longest: int, scaling: float | None) -> Any:
    """The same in any precision."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    sizes, shares_keys = borders.diff().tolist(), query.shape[1] != key.shape[1]
    parts = [tensor.transpose(0, 1).split(sizes, dim=1) for tensor in (query, key, value)]
    attended = [
        scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=shares_keys)
        for q, k, v in zip(*parts, strict=True)
    ]
    return torch.cat(attended, dim=1).transpose(0, 1)
