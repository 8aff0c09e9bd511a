"""Scores each response by the base model twice: after its instruction, and alone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from m2m.inference.generate import score_completions
from m2m.text.prompt_format import Encoded


class ResponseLosses(NamedTuple):
    """Bits a token of each response, None where it has no token; and what was cut to the model's length."""

    tokens: list[int]
    """response tokens that were scored, the end token left out"""
    conditioned: list[float | None]
    unconditioned: list[float | None]
    cut_prompts: int
    cut_responses: int


def measure_response_losses(
    model: Any, tokenizer: Any, pairs: Sequence[Encoded], *, max_length: int, batch_size: int
) -> ResponseLosses:
    """−log2 p(response) / tokens of each of `pairs`, given its prompt and given a beginning alone, of the same tokens.

    The beginning is the tokenizer's own, or the end token that stands before a text in pre-training. A pair is cut to
    `max_length` tokens: the prompt loses its start, but keeps half of them, then the response its end. Two passes over
    rows sorted by length.
    """
    inputs = [cut_pair(pair.prompt, pair.completion[:-1], max_length) for pair in pairs]
    scored = [row for row, (_, response) in enumerate(inputs) if response]
    beginning = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    losses = []
    for rows in ([inputs[row] for row in scored], [([beginning], inputs[row][1]) for row in scored]):
        bits = score_completions(model, tokenizer, rows, batch_size=batch_size)
        by_row = {row: cost / len(inputs[row][1]) for row, cost in zip(scored, bits, strict=True)}
        losses.append([by_row.get(row) for row in range(len(inputs))])
    cut_prompts = sum(len(prompt) < len(pair.prompt) for (prompt, _), pair in zip(inputs, pairs, strict=True))
    cut_responses = sum(
        len(response) < len(pair.completion) - 1 for (_, response), pair in zip(inputs, pairs, strict=True)
    )
    return ResponseLosses([len(response) for _, response in inputs], losses[0], losses[1], cut_prompts, cut_responses)


def cut_pair(prompt: list[int], response: list[int], max_length: int) -> tuple[list[int], list[int]]:
    """Prompt and response of at most `max_length` tokens, 2 or more.

    >>> cut_pair([1, 2, 3, 4], [5, 6, 7], 4)
    ([3, 4], [5, 6])
    """
    limit = max(max_length // 2, max_length - len(response))
    prompt_end = prompt[-limit:]
    return prompt_end, response[: max_length - len(prompt_end)]
