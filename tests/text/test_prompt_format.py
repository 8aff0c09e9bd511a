import pytest

from m2m.text.prompt_format import encode_pairs, encode_prompts

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


@pytest.mark.parametrize("begin", ["", "\n", "  {% if true %}x{% endif %}"])
def test_a_chat_prompt_is_the_template_s_own_up_to_the_answer(chatty, begin):
    chatty.chat_template = begin + TEMPLATE
    asked = [{"role": "user", "content": "What is it?"}]
    expected = chatty.apply_chat_template(asked, add_generation_prompt=True, tokenize=True)["input_ids"]
    assert encode_prompts(chatty, ["What is it?"], "chat") == [expected]


@pytest.mark.parametrize(
    "date",
    [
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{{ date_string }}\n",
        "{{ strftime_now('%d %b %Y') }}\n",
        "{% set day = strftime_now('%Y-%m-%d') %}{% if day == '2024-07-26' %}26 Jul 2024{% endif %}\n\n",
    ],
)
def test_a_prompt_is_the_same_on_any_day(chatty, date):
    """Llama 3.2's way, and those that ask the clock in any case."""
    chatty.chat_template = date + TEMPLATE
    dated = encode_prompts(chatty, ["What is it?"], "chat")
    chatty.chat_template = "26 Jul 2024\n" + TEMPLATE
    assert dated == encode_prompts(chatty, ["What is it?"], "chat")


def test_chat_without_a_template_is_refused_with_the_remedy(tokenizer):
    with pytest.raises(ValueError, match="set it to plain"):
        encode_prompts(tokenizer, ["?"], "chat")


@pytest.mark.parametrize("template", ["{{ messages[0]['content'][:5] }}", "{{ messages[0]['content'] * 2 }}"])
def test_a_template_that_does_not_hold_the_question_once_is_refused(chatty, template):
    chatty.chat_template = template
    with pytest.raises(ValueError, match="once and unchanged"):
        encode_prompts(chatty, ["What is it?"], "chat")
