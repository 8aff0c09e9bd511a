import math
from typing import Any

import pytest
import torch

from m2m.inference import generate
from m2m.inference.generate import generate_answers, score_completions

ROWS = [([5, 6, 7], [8, 9]), ([5], [10, 11, 12, 13]), ([9, 9, 9, 9, 9], [7])]


def bits_one_by_one(model: Any, prompt: Any, completion: Any) -> Any:
    with torch.inference_mode():
        logs = model(torch.tensor([prompt + completion])).logits.log_softmax(-1)[0]
    start = len(prompt) - 1
    return -sum(float(logs[start + at, token]) for at, token in enumerate(completion)) / math.log(2)


def test_bits_are_those_of_each_row_alone_whatever_the_batch(llama: Any, tokenizer: Any) -> None:
    alone = [bits_one_by_one(llama.eval(), *row) for row in ROWS]
    for batch_size in (1, 2, 3):
        assert score_completions(llama, tokenizer, ROWS, batch_size=batch_size) == pytest.approx(alone, abs=1e-4)


def test_long_completions_are_scored_fewer_at_a_time(
    llama: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits of five places, the longest completion and one before it, of two rows fit, and not of three."""
    together, sizes = score_completions(llama, tokenizer, ROWS, batch_size=3), []
    monkeypatch.setattr(generate, "MOST_LOGITS", 2 * 5 * llama.config.vocab_size)
    llama.register_forward_pre_hook(lambda _, __, inputs: sizes.append(len(inputs["input_ids"])), with_kwargs=True)
    assert score_completions(llama, tokenizer, ROWS, batch_size=3) == pytest.approx(together, abs=1e-4)
    assert sizes == [2, 1]


def greedy_one_by_one(model: Any, prompt: Any, count: Any) -> Any:
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(count):
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def test_batched_answers_are_the_greedy_ones_of_each_whole_prompt(llama: Any, tokenizer: Any) -> None:
    prompts = [[5, 6, 7], [5], [9, 8, 7, 6, 5]]
    with torch.no_grad():  # a new model says the last token again; now what stands before it is heard too
        for layer in llama.model.layers:
            layer.self_attn.o_proj.weight.mul_(10)
    alone = [greedy_one_by_one(llama.eval(), prompt, 4) for prompt in prompts]
    assert alone[1] != alone[2] and not any(tokenizer.eos_token_id in ids for ids in alone)
    settings: dict[str, Any] = {"batch_size": 3, "max_new_tokens": 4, "repetition_penalty": 1.0}
    found = generate_answers(llama, tokenizer, prompts, **settings)
    assert [one.text for one in found] == [tokenizer.decode(ids).strip() for ids in alone]


def test_an_answer_that_ends_by_itself_is_not_truncated(llama: Any, tokenizer: Any) -> None:
    with torch.no_grad():  # a head that always says "end"
        llama.lm_head.weight.zero_()
        llama.lm_head.weight[tokenizer.eos_token_id] = 1.0
        llama.model.norm.weight.fill_(1.0)
        llama.model.embed_tokens.weight.abs_()
    settings: dict[str, Any] = {"batch_size": 1, "max_new_tokens": 4, "repetition_penalty": 1.0}
    [answer] = generate_answers(llama, tokenizer, [[tokenizer.eos_token_id]], **settings)
    assert (answer.text, answer.tokens, answer.truncated) == ("", 1, False)


def test_padding_with_the_end_token_does_not_keep_an_answer_from_ending(llama: Any, tokenizer: Any) -> None:
    with torch.no_grad():  # a head that says "end", and nearly as gladly 11; the embeddings are tied to it
        llama.lm_head.weight.zero_()
        llama.lm_head.weight[5:9] = 0.1
        llama.lm_head.weight[11] = 0.9
        llama.lm_head.weight[tokenizer.eos_token_id] = 1.0
        llama.model.norm.weight.fill_(1.0)
    settings: dict[str, Any] = {"max_new_tokens": 4, "repetition_penalty": 1.3}
    prompts = [[5, 6, 7, 8], [5]]
    together = generate_answers(llama, tokenizer, prompts, batch_size=2, **settings)
    assert together == generate_answers(llama, tokenizer, prompts, batch_size=1, **settings)
    assert [answer.tokens for answer in together] == [1, 1]


def test_a_batch_holds_a_prompt_at_least(llama: Any, tokenizer: Any) -> None:
    with pytest.raises(ValueError, match=r"batch_size must be at least 1, got 0"):
        score_completions(llama, tokenizer, [([1], [2])], batch_size=0)


def test_a_token_that_was_there_is_said_again_only_where_no_penalty_is_on_it(llama: Any, tokenizer: Any) -> None:
    with torch.no_grad():  # a head that says 11, and nearly as gladly 12
        llama.lm_head.weight.zero_()
        llama.lm_head.weight[5] = 0.1
        llama.lm_head.weight[11] = 1.0
        llama.lm_head.weight[12] = 0.9
        llama.model.norm.weight.fill_(1.0)
    settings: dict[str, Any] = {"batch_size": 1, "max_new_tokens": 2}
    answers = [generate_answers(llama, tokenizer, [[5]], repetition_penalty=by, **settings) for by in (1.0, 1.3)]
    plain, other = (found.text for [found] in answers)
    assert plain == tokenizer.decode([11, 11]).strip() != other == tokenizer.decode([11, 12]).strip()
