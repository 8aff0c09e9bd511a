"""Turns an instruction–response pair into model tokens: one format for training, answering and likelihood."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal, NamedTuple

from m2m.text.tokenize import list_control_tokens, split_added_tokens

PromptFormat = Literal["plain", "chat"]

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

    "plain" is a question, with the answer on the next line; "chat" is the tokenizer's chat template up to where the
    answer begins. Text is data: a control token that an instruction spells out is split into its letters. ValueError
    where the tokenizer has no template, or one that changes the instruction.
    """
    return _encode_prompts(tokenizer, _read_as_data(tokenizer), instructions, prompt_format)


def encode_pairs(
    tokenizer: Any, instructions: list[str], responses: list[str], prompt_format: PromptFormat
) -> list[Encoded]:
    """Prompt and completion ids of each pair; prompt and response are tokenised apart, so no token spans both."""
    splitter = _read_as_data(tokenizer)
    answers = splitter.encode_batch(responses, add_special_tokens=False)
    prompts = _encode_prompts(tokenizer, splitter, instructions, prompt_format)
    return [
        Encoded(prompt, [*answer.ids, tokenizer.eos_token_id], [*(end for _, end in answer.offsets), len(text)])
        for prompt, answer, text in zip(prompts, answers, responses, strict=True)
    ]


def _read_as_data(tokenizer: Any) -> Any:
    return split_added_tokens(deepcopy(tokenizer.backend_tokenizer))


def _encode_prompts(
    tokenizer: Any, splitter: Any, instructions: list[str], prompt_format: PromptFormat
) -> list[list[int]]:
    if prompt_format == "chat":
        before, after = _render_template(tokenizer)
        control = list_control_tokens(splitter)
        return [_encode_chat(tokenizer, splitter, control, before, text, after) for text in instructions]
    beginning = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    texts = [PROMPT.format(instruction=text) for text in instructions]
    return [beginning + encoding.ids for encoding in splitter.encode_batch_fast(texts, add_special_tokens=False)]


def _render_template(tokenizer: Any) -> tuple[str, str]:
    """What the chat template writes before and after the instruction, up to where the answer begins."""
    if tokenizer.chat_template is None:
        raise ValueError(
            "prompt_format chat needs a tokenizer with a chat template, and this one has none: set prompt_format to "
            "plain"
        )
    turns = [{"role": "user", "content": MARK}]
    template = CALENDAR + tokenizer.get_chat_template()
    text = tokenizer.apply_chat_template(
        turns, chat_template=template, tokenize=False, add_generation_prompt=True, date_string=DAY
    )
    before, *after = text.split(MARK)
    if len(after) != 1:
        raise ValueError(
            f"a chat template must contain the instruction once and unchanged, this one contains it {len(after)} "
            "times: set prompt_format to plain"
        )
    return before, after[0]


def _encode_chat(
    tokenizer: Any, splitter: Any, control: Mapping[int, str], before: str, instruction: str, after: str
) -> list[int]:
    """Ids of the whole prompt; a control token is split again where the instruction, not the template, spells it."""
    text = before + instruction + after
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ids: list[int] = []
    for number, (start, end) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        piece = text[start:end]  # with the blanks that some added tokens take in
        begin = start + max(piece.find(control.get(number, "")), 0)
        if number in control and len(before) <= begin < len(before) + len(instruction) and end > start:
            ids += splitter.encode(piece, add_special_tokens=False).ids
        else:
            ids.append(number)
    return ids
