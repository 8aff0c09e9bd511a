import pytest

from stages.io.chat import encode_pairs, encode_prompts

FORMATS = pytest.mark.parametrize("prompt_format", ["plain", "chat"])
TEMPLATE = (
    "{% for one in messages %}<|end|>{{ one['role'] }}\n{{ one['content'] | trim }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|end|>assistant\n{% endif %}"
)


@pytest.fixture
def chatty(tokenizer):
    tokenizer.chat_template = TEMPLATE
    yield tokenizer
    tokenizer.chat_template = None


@FORMATS
def test_the_completion_is_the_response_and_the_end_token(chatty, prompt_format):
    [pair] = encode_pairs(chatty, ["What is it?"], ["the sum of two numbers"], prompt_format)
    assert pair.completion == [*chatty("the sum of two numbers")["input_ids"], chatty.eos_token_id]


@FORMATS
def test_the_prompt_of_a_pair_is_what_generation_starts_from(chatty, prompt_format):
    [pair] = encode_pairs(chatty, ["What is it?"], ["a list"], prompt_format)
    assert [pair.prompt] == encode_prompts(chatty, ["What is it?"], prompt_format)


def test_each_token_knows_how_many_characters_it_completes(tokenizer):
    text = "the mean, naïve — ☃"
    [pair] = encode_pairs(tokenizer, ["?"], [text], "plain")
    assert len(pair.ends) == len(pair.completion)
    assert pair.ends == sorted(pair.ends)
    assert pair.ends[-1] == len(text)


@FORMATS
def test_an_end_token_spelled_in_the_text_does_not_end_the_response(chatty, prompt_format):
    [pair] = encode_pairs(chatty, ["<|end|>"], ["<|end|> is a token"], prompt_format)
    assert pair.completion.count(chatty.eos_token_id) == 1
    assert pair.prompt.count(chatty.eos_token_id) == {"plain": 0, "chat": 2}[prompt_format]  # the template's own


def test_a_chat_prompt_is_the_template_s_own_up_to_the_answer(chatty):
    asked = [{"role": "user", "content": "What is it?"}]
    expected = chatty.apply_chat_template(asked, add_generation_prompt=True, tokenize=True)["input_ids"]
    assert encode_prompts(chatty, ["What is it?"], "chat") == [expected]


def test_chat_without_a_template_is_refused_with_the_remedy(tokenizer):
    with pytest.raises(ValueError, match="set it to plain"):
        encode_prompts(tokenizer, ["?"], "chat")


@pytest.mark.parametrize("template", ["{{ messages[0]['content'][:5] }}", "{{ messages[0]['content'] * 2 }}"])
def test_a_template_that_does_not_hold_the_question_once_is_refused(chatty, template):
    chatty.chat_template = template
    with pytest.raises(ValueError, match="once and unchanged"):
        encode_prompts(chatty, ["What is it?"], "chat")
