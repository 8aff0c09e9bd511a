"""Writes replies with a causal model in this process, in the form that a server would send."""

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from m2m.llm.client.decoding import WrittenReply, write_batch
from m2m.llm.client.request import Endpoint, Request, list_messages
from m2m.llm.client.trouble import RequestError


def identify_model(name: str, revision: str) -> str:
    """The name of a folder with a hash of its files, or of a hub id with its commit: another model, other replies."""
    from m2m.models import resolve_commit

    folder = Path(name)
    if not folder.is_dir():
        return f"{name}@{resolve_commit(name, revision)}"
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in {".safetensors", ".json", ".jinja"}):
        with path.open("rb") as file:
            whole.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return f"{folder.name}@{whole.hexdigest()[:16]}"


def write_replies(
    requests: Mapping[str, Request], missing: Container[str], endpoint: Endpoint, model_name: str
) -> Iterator[tuple[str, str | RequestError]]:
    """Key and raw reply of each of the `missing` requests; batches hold `concurrency` prompts of like length.

    A request that is longer, with its reply, than the model's context is Failed, as a server would refuse it. Batches
    are cut from all others, since the last bits of a number, and so a close choice, depend on a row's batch: a run that
    was interrupted ends with the replies of one that was not.
    """
    model, tokenizer = _loaded(endpoint)
    prompts = {key: _prompt(tokenizer, request) for key, request in requests.items()}
    long = {key: told for key in requests if (told := _too_long(model, prompts[key], requests[key]))}
    order = sorted(set(requests) - set(long), key=lambda key: (requests[key].reply_tokens, len(prompts[key]), key))
    for begin in range(0, len(order), endpoint.concurrency):
        batch = {key: requests[key] for key in order[begin : begin + endpoint.concurrency]}
        if any(key in missing for key in batch):
            tokens = write_batch(model, tokenizer, batch, prompts)
            texts = zip(batch, tokens, strict=True)
            yield from ((key, _raw(prompts[key], told, model_name)) for key, told in texts if key in missing)
    yield from ((key, RequestError(told)) for key, told in long.items() if key in missing)


def _too_long(model: Any, prompt: list[int], request: Request) -> str:
    """Why the model cannot answer; nothing where it can, or where it does not tell its context."""
    try:
        most = model.config.get_text_config().max_position_embeddings  # some models know it by another name
    except AttributeError:
        return ""
    told = f"a prompt of {len(prompt)} tokens and a reply of {request.reply_tokens} are more than the model's {most}"
    return told if len(prompt) + request.reply_tokens > most else ""


def _loaded(endpoint: Endpoint) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    named = {"revision": None if Path(endpoint.model).is_dir() else endpoint.revision, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(endpoint.model, **named)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(endpoint.model, dtype="auto", use_safetensors=True, **named).eval()
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer


def _prompt(tokenizer: Any, request: Request) -> list[int]:
    """Token ids. ValueError where a chat is asked of a tokenizer without a chat template."""
    if request.form == "completion":
        return list(tokenizer(request.turns[0])["input_ids"])
    if tokenizer.chat_template is None:
        raise ValueError("the model of engine local has no chat template: choose an instruction-tuned one")
    turns = [
        turn | {"content": _plain(turn["content"], tokenizer.all_special_tokens)} for turn in list_messages(request)
    ]
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _plain(text: str, special: list[str]) -> str:
    """A special token that the text spells out, such as the end of a turn, becomes words: no text ends its own turn."""
    for token in special:
        text = text.replace(token, f"{token[0]} {token[1:]}")
    return text


def _raw(prompt: list[int], told: WrittenReply, model_name: str) -> str:
    """What a server would send: a chat completion."""
    choice: dict[str, Any] = {"message": {"content": told.text}, "finish_reason": told.finish}
    if told.logprobs:
        choice["logprobs"] = {"content": told.logprobs}
    usage = {"prompt_tokens": len(prompt), "completion_tokens": told.tokens}
    return json.dumps({"model": model_name, "choices": [choice], "usage": usage}, ensure_ascii=False)
