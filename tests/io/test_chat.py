from stages.io.chat import encode_pairs, encode_prompts


def test_the_completion_is_the_response_and_the_end_token(tokenizer):
    [pair] = encode_pairs(tokenizer, ["What is it?"], ["the sum of two numbers"])
    assert pair.completion[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(pair.completion[:-1]) == " the sum of two numbers"


def test_the_prompt_of_a_pair_is_what_generation_starts_from(tokenizer):
    [pair] = encode_pairs(tokenizer, ["What is it?"], ["a list"])
    assert [pair.prompt] == encode_prompts(tokenizer, ["What is it?"])


def test_each_token_knows_how_many_characters_it_completes(tokenizer):
    text = "the mean, naïve — ☃"
    [pair] = encode_pairs(tokenizer, ["?"], [text])
    assert len(pair.ends) == len(pair.completion)
    assert pair.ends == sorted(pair.ends)
    assert pair.ends[-1] == len(text)


def test_an_end_token_spelled_in_the_text_does_not_end_the_response(tokenizer):
    [pair] = encode_pairs(tokenizer, ["<|end|>"], ["<|end|> is a token"])
    assert pair.completion.count(tokenizer.eos_token_id) == 1
    assert tokenizer.eos_token_id not in pair.prompt
