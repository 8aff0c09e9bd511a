"""Generates greedy answers of a causal model to prompts, and scores given responses in bits."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from m2m.inference.token_batches import batch_by_length
from m2m.progress import track_progress

MOST_LOGITS = 2**29  # numbers of a batch: 2 GB in float32, which the loss holds several times


class Answer(NamedTuple):
    """An answer of the model."""

    text: str
    tokens: int  # the end token included
    truncated: bool  # stopped by the token limit


def generate_answers(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[list[int]],
    *,
    batch_size: int,
    max_new_tokens: int,
    repetition_penalty: float,
) -> list[Answer]:
    """One answer a prompt (token ids), in the order of `prompts`; batches contain prompts of similar length.

    The penalty is on the tokens of prompt and answer, not on the padding. Padding is often the end token, and an answer
    would then depend on the other prompts of its batch.
    """
    import torch
    from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor

    model.eval()
    answers: dict[int, Answer] = {}
    batches = batch_by_length(prompts, batch_size)
    for batch in track_progress(batches, "answer", len(batches)):
        ids, mask = _pad_left([prompts[row] for row in batch], tokenizer.pad_token_id, model.device)
        penalty = RepetitionPenaltyLogitsProcessor(repetition_penalty, prompt_ignore_length=(mask == 0).sum(1))
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                logits_processor=LogitsProcessorList([penalty]),
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        for row, answer in zip(batch, out[:, ids.shape[1] :].tolist(), strict=True):
            answers[row] = decode_answer(tokenizer, answer)
    return [answers[row] for row in range(len(prompts))]


def score_completions(
    model: Any, tokenizer: Any, rows: Sequence[tuple[list[int], list[int]]], *, batch_size: int
) -> list[float]:
    """−log2 p(completion | prompt) of each (prompt, completion) token row, in the order of `rows`.

    A batch of long completions has fewer rows than `batch_size`, so that its logits are at most MOST_LOGITS.
    """
    import torch
    from torch.nn.functional import cross_entropy

    model.eval()
    bits: dict[int, float] = {}
    whole = batch_by_length([prompt + completion for prompt, completion in rows], batch_size)
    longest = [max(len(rows[row][1]) for row in batch) for batch in whole]
    limits = [max(1, MOST_LOGITS // (model.config.vocab_size * (length + 1))) for length in longest]
    batches = [
        batch[start : start + limit]
        for batch, limit in zip(whole, limits, strict=True)
        for start in range(0, len(batch), limit)
    ]
    for batch in track_progress(batches, "likelihood", len(batches)):
        ids, mask = _pad_left([rows[row][0] + rows[row][1] for row in batch], tokenizer.pad_token_id, model.device)
        scored = max(len(rows[row][1]) for row in batch)
        with torch.inference_mode():
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            logits = model(
                input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=scored + 1
            ).logits[:, :-1]
            nats = cross_entropy(logits.float().transpose(1, 2), ids[:, -scored:], reduction="none").double()
        for row, row_nats in zip(batch, nats, strict=True):
            bits[row] = float(row_nats[-len(rows[row][1]) :].sum()) / math.log(2)
    return [bits[row] for row in range(len(rows))]


def _pad_left(rows: Sequence[list[int]], pad: int, device: Any) -> tuple[Any, Any]:
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def decode_answer(tokenizer: Any, ids: list[int]) -> Answer:
    """The text before the end token, and the tokens with it."""
    ended = tokenizer.eos_token_id in ids
    text = ids[: ids.index(tokenizer.eos_token_id)] if ended else ids
    return Answer(tokenizer.decode(text, skip_special_tokens=True).strip(), len(text) + ended, not ended)
