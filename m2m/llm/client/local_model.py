"""Writes replies with a causal model in this process, in the form in which a server would send them."""

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from m2m.gguf_models import find_gguf, hash_gguf, load_gguf_model, load_gguf_tokenizer
from m2m.llm.client.failures import RequestError
from m2m.llm.client.request import Endpoint, Request, list_messages
from m2m.llm.prompt_template import split_control_tokens
from m2m.text.tokenize import list_control_tokens

MODEL_FILES = {".safetensors", ".json", ".jinja"}


class WrittenReply(NamedTuple):
    """One reply of the model."""

    text: str
    tokens: int  # the end token included
    finish: str  # stop or length
    logprobs: list[Any]  # as servers send them; empty where they were not requested


def identify_model(name: str, revision: str) -> str:
    """The name of a folder or GGUF file with a hash of its bytes, or of a hub id with its commit.

    Another model has another name, and so other replies.
    """
    from m2m.models import resolve_commit

    if gguf := find_gguf(name):
        return f"{gguf.name}@{hash_gguf(gguf)[:16]}"
    folder = Path(name)
    if not folder.is_dir():
        return f"{name}@{resolve_commit(name, revision)}"
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in MODEL_FILES):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return f"{folder.name}@{digest.hexdigest()[:16]}"


def write_replies(
    requests: Mapping[str, Request], missing: Container[str], endpoint: Endpoint, model_name: str
) -> Iterator[tuple[str, str | RequestError]]:
    """Key and raw reply of each of the `missing` requests; batches contain `concurrency` prompts of similar length.

    A request that is longer, with its reply, than the model's context gets a RequestError, as from a server. Batches
    are cut from all other requests, since the last bits of a number, and so a close choice, depend on a row's batch: an
    interrupted run ends with the replies of an undisturbed one.
    """
    model, tokenizer = _load(endpoint)
    prompts = {key: _encode_prompt(tokenizer, request) for key, request in requests.items()}
    refusals = {key: reason for key in requests if (reason := _refuse_long(model, prompts[key], requests[key]))}
    order = sorted(set(requests) - set(refusals), key=lambda key: (requests[key].reply_tokens, len(prompts[key]), key))
    for start in range(0, len(order), endpoint.concurrency):
        batch = {key: requests[key] for key in order[start : start + endpoint.concurrency]}
        if any(key in missing for key in batch):
            replies = zip(batch, write_batch(model, tokenizer, batch, prompts), strict=True)
            yield from ((key, _format_raw(prompts[key], reply, model_name)) for key, reply in replies if key in missing)
    yield from ((key, RequestError(reason)) for key, reason in refusals.items() if key in missing)


def write_batch(
    model: Any, tokenizer: Any, batch: Mapping[str, Request], prompts: Mapping[str, list[int]]
) -> list[WrittenReply]:
    """One reply a request. A row's random numbers come from its key (hexadecimal) alone, not from its batch."""
    import torch

    requests = list(batch.values())
    width = max(len(prompts[key]) for key in batch)
    rows = [[tokenizer.pad_token_id] * (width - len(prompts[key])) + prompts[key] for key in batch]
    mask = [[0] * (width - len(prompts[key])) + [1] * len(prompts[key]) for key in batch]
    with torch.inference_mode():
        out = model.generate(
            input_ids=torch.tensor(rows, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            max_new_tokens=max(request.reply_tokens for request in requests),
            do_sample=False,
            repetition_penalty=requests[0].repetition_penalty,
            logits_processor=_add_noise(batch, model.device),
            pad_token_id=tokenizer.pad_token_id,
            output_logits=any(request.top_logprobs for request in requests),
            return_dict_in_generate=True,
        )
    ends = _list_ends(model, tokenizer)
    return [
        _read_reply(tokenizer, request, ids[: request.reply_tokens], ends, [step[row] for step in out.logits or ()])
        for row, (request, ids) in enumerate(zip(requests, out.sequences[:, width:].tolist(), strict=True))
    ]


def _add_noise(batch: Mapping[str, Request], device: Any) -> Any:
    """Gumbel noise on the logits: the highest is then a draw from the softmax at the request's temperature."""
    import torch
    from transformers import LogitsProcessorList

    generators = [torch.Generator().manual_seed(int(key[:15], 16)) for key in batch]
    temperatures = [request.temperature for request in batch.values()]

    def add(_: Any, scores: Any) -> Any:
        noise = [-torch.empty(scores.shape[1]).exponential_(generator=generator).log() for generator in generators]
        scale = torch.tensor(temperatures, device=device)[:, None]
        return scores.float() + scale * torch.stack(noise).to(device)

    return LogitsProcessorList([add] if any(temperatures) else [])


def _list_ends(model: Any, tokenizer: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}


def _read_reply(tokenizer: Any, request: Request, ids: list[int], ends: set[int], logits: list[Any]) -> WrittenReply:
    end = next((place for place, token in enumerate(ids) if token in ends), len(ids))
    text = tokenizer.decode(ids[:end], skip_special_tokens=True)
    steps = zip(ids[:end], logits)  # noqa: B905  # without log-probabilities there are no logits
    logprobs = [_read_logprobs(tokenizer, token, step, request.top_logprobs) for token, step in steps]
    return WrittenReply(text, min(end + 1, len(ids)), "stop" if end < len(ids) else "length", logprobs)


def _read_logprobs(tokenizer: Any, token: int, logits: Any, count: int) -> dict[str, Any]:
    """Token, log-probability and the `count` likeliest, at one place of a reply."""
    from torch.nn.functional import log_softmax

    scores = log_softmax(logits.float(), dim=0)
    best = [
        {"token": tokenizer.decode([int(number)]), "logprob": float(scores[number])}
        for number in scores.topk(count).indices
    ]
    return {"token": tokenizer.decode([token]), "logprob": float(scores[token]), "top_logprobs": best}


def _refuse_long(model: Any, prompt: list[int], request: Request) -> str:
    """Why the model cannot answer; empty where it can, or where its context is not known."""
    try:
        context = model.config.get_text_config().max_position_embeddings  # some models have another name for it
    except AttributeError:
        return ""
    if len(prompt) + request.reply_tokens <= context:
        return ""
    return f"a prompt of {len(prompt)} tokens and a reply of {request.reply_tokens} are more than the model's {context}"


def _load(endpoint: Endpoint) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if gguf := find_gguf(endpoint.model):
        return load_gguf_model(gguf).eval().to(device), load_gguf_tokenizer(gguf)
    source = {"revision": None if Path(endpoint.model).is_dir() else endpoint.revision, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(endpoint.model, **source)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(endpoint.model, dtype="auto", use_safetensors=True, **source).eval()
    return model.to(device), tokenizer


def _encode_prompt(tokenizer: Any, request: Request) -> list[int]:
    """Token ids; no text can end its own turn. ValueError where a chat needs a chat template and there is none."""
    control = list_control_tokens(tokenizer.backend_tokenizer).values()
    if request.form == "completion":
        return list(tokenizer(split_control_tokens(request.turns[0], control))["input_ids"])
    if tokenizer.chat_template is None:
        raise ValueError("the model of engine local has no chat template: choose an instruction-tuned model")
    turns = [turn | {"content": split_control_tokens(turn["content"], control)} for turn in list_messages(request)]
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _format_raw(prompt: list[int], reply: WrittenReply, model_name: str) -> str:
    """What a server would send: a chat completion."""
    choice: dict[str, Any] = {"message": {"content": reply.text}, "finish_reason": reply.finish}
    if reply.logprobs:
        choice["logprobs"] = {"content": reply.logprobs}
    usage = {"prompt_tokens": len(prompt), "completion_tokens": reply.tokens}
    return json.dumps({"model": model_name, "choices": [choice], "usage": usage}, ensure_ascii=False)
