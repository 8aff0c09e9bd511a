"""Losses of responses on a tiny random Llama, beside the same computed row by row without a batch."""

import math
from typing import Any

import pytest
import torch

from m2m.base_passes.response_loss import cut_pair, measure_response_losses
from m2m.text.prompt_format import Encoded, encode_pairs

TEXTS = [("What is it?", "The sum of two numbers."), ("A list?", "x"), ("Return the mean of a list.", "A list " * 6)]


def measure_alone(model: Any, prompt: list[int], response: list[int]) -> float:
    """Bits a response token, from the whole row's logits."""
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + response])).logits[0].double().log_softmax(-1)
    bits = [-float(logits[len(prompt) - 1 + i, token]) / math.log(2) for i, token in enumerate(response)]
    return sum(bits) / len(bits)


@pytest.mark.parametrize(("batch_size", "max_length"), [(1, 64), (2, 64), (3, 14)])
def test_losses_are_those_of_each_row_alone(llama: Any, tokenizer: Any, batch_size: int, max_length: int) -> None:
    instructions, responses = (list(texts) for texts in zip(*TEXTS, strict=True))
    pairs = encode_pairs(tokenizer, instructions, responses, "plain")
    losses = measure_response_losses(llama, tokenizer, pairs, max_length=max_length, batch_size=batch_size)
    for row, pair in enumerate(pairs):
        prompt, response = cut_pair(pair.prompt, pair.completion[:-1], max_length)
        assert losses.conditioned[row] == pytest.approx(measure_alone(llama, prompt, response), abs=1e-4)
        alone = measure_alone(llama, [tokenizer.eos_token_id], response)
        assert losses.unconditioned[row] == pytest.approx(alone, abs=1e-4)
        assert losses.tokens[row] == len(response)


def test_what_is_cut_is_counted_and_a_response_without_a_token_has_no_loss(llama: Any, tokenizer: Any) -> None:
    end = tokenizer.eos_token_id
    pairs = [Encoded([5] * 4, [end], [0]), Encoded([5] * 9, [6, end], [1, 1]), Encoded([5], [6] * 9 + [end], [1] * 10)]
    losses = measure_response_losses(llama, tokenizer, pairs, max_length=8, batch_size=2)
    assert losses.tokens == [0, 1, 7]
    assert (losses.cut_prompts, losses.cut_responses) == (1, 1)
    assert losses.conditioned[0] is None and losses.unconditioned[0] is None
    assert losses.conditioned[1] > 0


def test_an_instruction_without_words_changes_nothing_but_the_cut(llama: Any, tokenizer: Any) -> None:
    end = tokenizer.eos_token_id
    losses = measure_response_losses(
        llama, tokenizer, [Encoded([end], [7, 8, end], [1, 2, 2])], max_length=64, batch_size=1
    )
    assert losses.conditioned == pytest.approx(losses.unconditioned)


@pytest.mark.parametrize(
    ("prompt", "response", "lengths"), [(3, 3, (3, 3)), (9, 3, (5, 3)), (3, 9, (3, 5)), (9, 9, (4, 4)), (9, 0, (8, 0))]
)
def test_a_pair_is_cut_to_its_length_and_a_prompt_keeps_half(
    prompt: int, response: int, lengths: tuple[int, int]
) -> None:
    kept = cut_pair(list(range(prompt)), list(range(response)), 8)
    assert tuple(map(len, kept)) == lengths
    assert kept[0] == list(range(prompt))[prompt - lengths[0] :] and kept[1] == list(range(lengths[1]))
