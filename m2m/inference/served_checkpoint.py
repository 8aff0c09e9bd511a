"""Requests answers from a server that serves a checkpoint, in the prompt format that it was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from m2m.inference.generate import Answer
from m2m.llm.client.ask import ask
from m2m.llm.client.local_model import identify_model
from m2m.llm.client.request import Endpoint, Request
from m2m.llm.prompt_template import split_control_tokens
from m2m.text.prompt_format import PROMPT, PromptFormat
from m2m.text.tokenize import list_control_tokens, load_saved


def request_answers(
    checkpoint: Path,
    tokenizer: Path,
    instructions: Sequence[str],
    prompt_format: PromptFormat,
    *,
    max_new_tokens: int,
    repetition_penalty: float,
    endpoint: Endpoint,
) -> list[Answer]:
    """One greedy answer an instruction; the endpoint's model and url contain "{arm}" and "{weights}".

    They are the checkpoint's folder name and eight digits of the hash of its files: a server that still serves another
    cell's candidate reports another name, which is an error (a server that repeats the requested name is not noticed).
    The name to serve is printed. A control token of `tokenizer` that an instruction spells out is broken by a blank.
    ValueError when the model has no {weights}, or an instruction no answer.
    """
    arm, about = checkpoint.name, identify_model(str(checkpoint), "main")
    server = _fill_endpoint(endpoint, {"{arm}": arm, "{weights}": about.rpartition("@")[2][:8]})
    print(f"generate: {checkpoint} is to be served as {server.model}", flush=True)
    plain = prompt_format == "plain"
    form = Request(
        ("",),
        max_new_tokens,
        repetition_penalty=repetition_penalty,
        form="completion" if plain else "chat",
        about=about,
    )
    control = list_control_tokens(load_saved(tokenizer)).values()
    harmless = [split_control_tokens(text, control) for text in instructions]
    texts = [PROMPT.format(instruction=text) if plain else text for text in harmless]
    replies = ask([replace(form, turns=(text,)) for text in texts], "endpoint", server, f"generate {arm}")
    if failed := [reply.error for reply in replies if reply.error]:
        raise ValueError(
            f"{len(failed)} of {len(replies)} prompts have no answer, the last: {failed[-1]}; "
            "run the same command again"
        )
    return [Answer(reply.text.strip(), reply.completion_tokens, reply.finish == "length") for reply in replies]


def require_weights_hole(model: str) -> None:
    """ValueError unless the name of a served checkpoint has a hole for its weights."""
    if "{weights}" not in model:
        raise ValueError(
            "generate.endpoint.model must contain {weights}, or a server that was not reloaded would answer for "
            f"another cell, got {model!r}: write {{arm}}-{{weights}}, and serve the checkpoint by that name"
        )


def _fill_endpoint(endpoint: Endpoint, holes: Mapping[str, str]) -> Endpoint:
    """`endpoint` with its holes filled."""
    require_weights_hole(endpoint.model)
    model, url = endpoint.model, endpoint.url
    for hole, value in holes.items():
        model, url = model.replace(hole, value), url.replace(hole, value)
    return replace(endpoint, model=model, url=url)
