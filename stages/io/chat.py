"""Turns an instruction–response pair into model tokens: one form for training, answering and likelihood."""

from typing import Any, NamedTuple

# text is data: a special token that it spells out is split like any other word
PLAIN = {"add_special_tokens": False, "split_special_tokens": True, "verbose": False}
PROMPT = "Question: {instruction}\nAnswer:"


class Encoded(NamedTuple):
    """Token ids of one pair; the loss falls on `completion` alone."""

    prompt: list[int]
    completion: list[int]  # the response, then the end token
    ends: list[int]  # for each completion token: characters of the response read so far


def encode_prompts(tokenizer: Any, instructions: list[str]) -> list[list[int]]:
    """Token ids that a model sees before it answers, beginning token included where the tokenizer has one."""
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    texts = [PROMPT.format(instruction=text) for text in instructions]
    return [begin + ids for ids in tokenizer(texts, **PLAIN)["input_ids"]]


def encode_pairs(tokenizer: Any, instructions: list[str], responses: list[str]) -> list[Encoded]:
    """Prompt and completion ids of each pair; prompt and response are tokenised apart, so no token spans both."""
    answers = tokenizer([" " + text for text in responses], return_offsets_mapping=True, **PLAIN)
    prompts = encode_prompts(tokenizer, instructions)
    return [
        Encoded(prompt, [*ids, tokenizer.eos_token_id], [*(max(end - 1, 0) for _, end in spans), len(text)])
        for prompt, ids, spans, text in zip(
            prompts, answers["input_ids"], answers["offset_mapping"], responses, strict=True
        )
    ]
