"""Asks a server that serves a checkpoint: answers to prompts, in the form that the checkpoint was trained on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stages.io.chat import PROMPT, Format
from stages.io.generation import Answer
from stages.io.llm import ask
from stages.io.local import identity
from stages.io.request import Endpoint, Request


def served_answers(
    checkpoint: Path,
    instructions: Sequence[str],
    prompt_format: Format,
    *,
    max_new_tokens: int,
    repetition_penalty: float,
    endpoint: Endpoint,
) -> list[Answer]:
    """One greedy answer an instruction; "{arm}" in the endpoint's model and url is the checkpoint's folder name.

    Kept replies are those of these weights, whatever their name on the server. That the server runs these weights is
    for the person to see to: no protocol tells. ValueError when an instruction has no answer.
    """
    arm = checkpoint.name
    there = replace(endpoint, model=endpoint.model.replace("{arm}", arm), url=endpoint.url.replace("{arm}", arm))
    plain = prompt_format == "plain"
    form = Request(
        ("",),
        max_new_tokens,
        repetition_penalty=repetition_penalty,
        form="completion" if plain else "chat",
        about=identity(str(checkpoint), "main"),
    )
    texts = [PROMPT.format(instruction=text) if plain else text for text in instructions]
    replies = ask([replace(form, turns=(text,)) for text in texts], "endpoint", there, f"generate {arm}")
    if failed := [reply.error for reply in replies if reply.error]:
        raise ValueError(f"{len(failed)} of {len(replies)} prompts have no answer, the last: {failed[-1]}; run again")
    return [Answer(reply.text.strip(), reply.completion_tokens, reply.finish == "length") for reply in replies]
