"""One batch of prompts → what a causal model writes, row by row as if each were alone, chance included."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from m2m.llm.client.request import Request


class WrittenReply(NamedTuple):
    """One reply of the model."""

    text: str
    tokens: int  # the end token included
    finish: str  # stop or length
    logprobs: list[Any]  # as servers send them; empty where they were not asked for


def write_batch(
    model: Any, tokenizer: Any, batch: Mapping[str, Request], prompts: Mapping[str, list[int]]
) -> list[WrittenReply]:
    """One reply a request. A row's chance comes from its key (hexadecimal) alone, so it knows nothing of its batch."""
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
            logits_processor=_chance(batch, model.device),
            pad_token_id=tokenizer.pad_token_id,
            output_logits=any(request.top_logprobs for request in requests),
            return_dict_in_generate=True,
        )
    ends = _ends(model, tokenizer)
    return [
        _told(tokenizer, request, ids[: request.reply_tokens], ends, [step[at] for step in out.logits or ()])
        for at, (request, ids) in enumerate(zip(requests, out.sequences[:, width:].tolist(), strict=True))
    ]


def _chance(batch: Mapping[str, Request], device: Any) -> Any:
    """Gumbel noise on the logits: the highest is then a draw from the softmax at the request's temperature."""
    import torch
    from transformers import LogitsProcessorList

    sources = [torch.Generator().manual_seed(int(key[:15], 16)) for key in batch]
    heat = [request.temperature for request in batch.values()]

    def noisy(_: Any, scores: Any) -> Any:
        noise = [-torch.empty(scores.shape[1]).exponential_(generator=one).log() for one in sources]
        scale = torch.tensor(heat, device=device)[:, None]
        return scores.float() + scale * torch.stack(noise).to(device)

    return LogitsProcessorList([noisy] if any(heat) else [])


def _ends(model: Any, tokenizer: Any) -> set[int]:
    known = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *(known if isinstance(known, list) else [known])} - {None}


def _told(tokenizer: Any, request: Request, ids: list[int], ends: set[int], logits: list[Any]) -> WrittenReply:
    end = next((at for at, token in enumerate(ids) if token in ends), len(ids))
    text = tokenizer.decode(ids[:end], skip_special_tokens=True)
    logprobs = [_place(tokenizer, token, step, request.top_logprobs) for token, step in zip(ids[:end], logits)]  # noqa: B905
    return WrittenReply(text, min(end + 1, len(ids)), "stop" if end < len(ids) else "length", logprobs)


def _place(tokenizer: Any, token: int, logits: Any, count: int) -> dict[str, Any]:
    """Token, log-probability and the `count` likeliest, at one place of a reply."""
    from torch.nn.functional import log_softmax

    known = log_softmax(logits.float(), dim=0)
    best = [{"token": tokenizer.decode([int(at)]), "logprob": float(known[at])} for at in known.topk(count).indices]
    return {"token": tokenizer.decode([token]), "logprob": float(known[token]), "top_logprobs": best}
