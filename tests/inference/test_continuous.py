"""Continuous batching: the answers of plain greedy decoding, whatever the order and the batch."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from m2m.inference.continuous import _list_ended, generate_continuously
from m2m.inference.generate import generate_answers

PROMPTS = [[5, 6, 7], [5], [9, 8, 7, 6, 5], [11] * 17, [5]]
SETTINGS: dict[str, Any] = {"max_new_tokens": 6, "repetition_penalty": 1.0}


@pytest.fixture
def attentive(llama: Any) -> Any:
    with torch.no_grad():  # a new model says the last token again; now what stands before it is heard too
        for layer in llama.model.layers:
            layer.self_attn.o_proj.weight.mul_(10)
    return llama


@pytest.mark.parametrize("batch_size", [1, 3])
def test_answers_are_those_of_fixed_batches(attentive: Any, tokenizer: Any, batch_size: int) -> None:
    fixed = generate_answers(attentive, tokenizer, PROMPTS, batch_size=1, **SETTINGS)
    assert len({answer.text for answer in fixed}) > 2
    assert generate_continuously(attentive, tokenizer, PROMPTS, batch_size=batch_size, **SETTINGS) == fixed


def test_an_answer_that_ends_by_itself_is_not_truncated(llama: Any, tokenizer: Any) -> None:
    with torch.no_grad():  # a head that always says "end"
        llama.lm_head.weight.zero_()
        llama.lm_head.weight[tokenizer.eos_token_id] = 1.0
        llama.model.norm.weight.fill_(1.0)
        llama.model.embed_tokens.weight.abs_()
    [answer] = generate_continuously(llama, tokenizer, [[tokenizer.eos_token_id]], batch_size=1, **SETTINGS)
    assert (answer.text, answer.tokens, answer.truncated) == ("", 1, False)
    assert generate_continuously(llama, tokenizer, [], batch_size=1, **SETTINGS) == []


def test_a_repetition_penalty_is_refused_and_not_dropped(llama: Any, tokenizer: Any) -> None:
    sentence = "set generate.repetition_penalty to 1, or generate.batching to fixed, got 1.2"
    with pytest.raises(ValueError, match=sentence):
        generate_continuously(llama, tokenizer, PROMPTS, batch_size=2, max_new_tokens=6, repetition_penalty=1.2)


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (None, "ended before all prompts had an answer: set generate.batching to fixed"),
        (SimpleNamespace(is_finished=lambda: True, error="out of pages"), r"a prompt has no answer \(out of pages\)"),
    ],
)
def test_a_prompt_without_an_answer_ends_it(result: Any, sentence: str) -> None:
    manager = SimpleNamespace(get_result=lambda timeout: result, is_running=lambda: False)
    with pytest.raises(ValueError, match=sentence):
        list(_list_ended(manager, 1))
