"""Turns an instruction–response pair into model tokens: one form for training, answering and likelihood."""

from typing import Any, Literal, NamedTuple

PromptFormat = Literal["plain", "chat"]

# text is data: a special token that it spells out is split like any other word
PLAIN = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
PROMPT = "Question: {instruction}\nAnswer:\n"
MARK = "\uf8ff-the-instruction-\uf8ff"  # stands for the instruction while a chat template is rendered

DAY = "26 Jul 2024"  # what a template takes for today, so that a prompt is the same on any day; Llama 3's own fallback
CALENDAR = (  # stands before a template, in place of transformers' strftime_now, which asks the clock
    "{% macro strftime_now(form) %}{{ form | replace('%d', '26') | replace('%m', '07') | replace('%b', 'Jul') "
    "| replace('%B', 'July') | replace('%Y', '2024') }}{% endmacro %}\n"
)


class Encoded(NamedTuple):
    """Token ids of one pair; the loss falls on `completion` alone."""

    prompt: list[int]
    completion: list[int]  # the response's own tokens, as bands and lengths count them, then the end token
    ends: list[int]  # for each completion token: characters of the response read so far


def encode_prompts(tokenizer: Any, instructions: list[str], prompt_format: PromptFormat) -> list[list[int]]:
    """Token ids that a model sees before it answers, beginning token included where the tokenizer has one.

    "plain" is a question and a line of its own for the answer; "chat" is the tokenizer's chat template up to where the
    answer begins. ValueError where the tokenizer has no template, or one that does not hold the instruction as it is.
    """
    if prompt_format == "chat":
        before, after = _template(tokenizer)
        return [_chat_ids(tokenizer, before, text, after) for text in instructions]
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    texts = [PROMPT.format(instruction=text) for text in instructions]
    return [begin + ids for ids in tokenizer(texts, **PLAIN)["input_ids"]]


def encode_pairs(
    tokenizer: Any, instructions: list[str], responses: list[str], prompt_format: PromptFormat
) -> list[Encoded]:
    """Prompt and completion ids of each pair; prompt and response are tokenised apart, so no token spans both."""
    answers = tokenizer(responses, return_offsets_mapping=True, **PLAIN)
    prompts = encode_prompts(tokenizer, instructions, prompt_format)
    return [
        Encoded(prompt, [*ids, tokenizer.eos_token_id], [*(end for _, end in spans), len(text)])
        for prompt, ids, spans, text in zip(
            prompts, answers["input_ids"], answers["offset_mapping"], responses, strict=True
        )
    ]


def _template(tokenizer: Any) -> tuple[str, str]:
    """What the chat template writes before and after the instruction, up to where the answer begins."""
    if tokenizer.chat_template is None:
        raise ValueError(
            "prompt_format chat needs a tokenizer with a chat template, and this has none: set it to plain"
        )
    asked = [{"role": "user", "content": MARK}]
    template = CALENDAR + tokenizer.get_chat_template()
    text = tokenizer.apply_chat_template(
        asked, chat_template=template, tokenize=False, add_generation_prompt=True, date_string=DAY
    )
    before, *after = text.split(MARK)
    if len(after) != 1:
        raise ValueError(
            f"a chat template must hold the instruction once and unchanged, this one holds it {len(after)} times: "
            "set prompt_format to plain"
        )
    return before, after[0]


def _chat_ids(tokenizer: Any, before: str, instruction: str, after: str) -> list[int]:
    """Ids of the whole prompt at once; a special token is split again where the instruction spells it out."""
    text = before + instruction + after
    whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    special, inside = set(tokenizer.all_special_ids), range(len(before), len(before) + len(instruction))
    ids: list[int] = []
    for number, (start, end) in zip(whole["input_ids"], whole["offset_mapping"], strict=True):
        spelled = number in special and end > start and start in inside
        ids += tokenizer(text[start:end], **PLAIN)["input_ids"] if spelled else [number]
    return ids
