"""The benchmark of answers times every engine on the same prompts."""

from bench.answers import ENGINES, make_prompts, make_tiny, measure_answers


def test_fixed_and_continuous_batches_answer_the_same_prompts_alike() -> None:
    model, tokenizer = make_tiny()
    prompts = make_prompts(5, model.config.vocab_size)
    assert [len(prompt) for prompt in prompts] == [len(prompt) for prompt in make_prompts(5, 99)]
    timed = [measure_answers(model, tokenizer, prompts, batching, 2, 6) for batching in ENGINES]
    assert timed[0][0] == timed[1][0] and len(timed[0][0]) == 5
    assert all(1 <= answer.tokens <= 6 for answer in timed[0][0])
    assert all(seconds > 0 for _, seconds in timed)
