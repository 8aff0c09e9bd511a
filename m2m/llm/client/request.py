"""One request to a large language model, and the endpoint that it is sent to."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks OpenAI's protocol, or a model to load here; the `endpoint` block of a stage's settings."""

    model: str  # its name on the server; engine local: a folder or a hub id
    url: str  # engine endpoint: mostly ends in /v1
    key: str  # name of the environment variable that holds the key; empty: the server needs none
    concurrency: int  # requests at once; engine local: prompts a batch
    timeout: float  # seconds without a byte of a reply, before the request is sent again
    max_failed_share: float  # of the requests; the stage stops when more have failed for good
    max_requests: int  # budget: tries that may have been paid, those of an earlier, interrupted run included
    max_tokens: int  # budget: tokens read and written by them
    revision: str = "main"  # engine local: of a hub id


def check_endpoint(endpoint: Endpoint) -> None:
    """ValueError where the URL has no scheme or holds a secret, or the key is no variable's name; it is not quoted."""
    if set("@?#") & set(endpoint.url) or not endpoint.url.startswith(("http://", "https://")):
        raise ValueError(
            "endpoint.url must begin with http:// or https:// and contain no name, password or query: put the key in "
            "an environment variable and its name in endpoint.key"
        )
    if endpoint.key and not endpoint.key.isidentifier():
        raise ValueError(
            "endpoint.key must be the name of an environment variable, not the key itself: export the key and give "
            "the variable's name"
        )


@dataclass(frozen=True)
class Request:
    """One call. Requests that are equal in every field are one: repeats differ in `seed` or `about`."""

    turns: tuple[str, ...]  # user, assistant, user, …; form completion: the one text to continue
    reply_tokens: int  # the reply is cut there
    system: str = ""
    temperature: float = 0.0
    seed: int = 0
    top_logprobs: int = 0  # form chat: log-probabilities of so many tokens at each place; 0: none
    repetition_penalty: float = 1.0  # 1: none, and not sent; beyond OpenAI's protocol, but vLLM and others accept it
    form: Literal["chat", "completion"] = "chat"
    about: str = ""  # never sent: what else the reply depends on, such as the hash of a served checkpoint


def build_body(request: Request, model: str) -> dict[str, Any]:
    """The JSON object that is sent."""
    body: dict[str, Any] = {"model": model, "max_tokens": request.reply_tokens}
    body |= {"temperature": request.temperature, "seed": request.seed}
    if request.form == "completion":
        body["prompt"] = request.turns[0]
    else:
        body["messages"] = list_messages(request)
    if request.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    if request.repetition_penalty != 1:
        body["repetition_penalty"] = request.repetition_penalty
    return body


def list_messages(request: Request) -> list[dict[str, str]]:
    """The turns of a chat, each with its role."""
    begin = [{"role": "system", "content": request.system}] if request.system else []
    roles = ("user", "assistant")
    return begin + [{"role": roles[turn % 2], "content": text} for turn, text in enumerate(request.turns)]


def hash_request(request: Request, model: str) -> str:
    """64 hex digits, the same for equal requests to one model at any address."""
    record = {"form": request.form, "body": build_body(request, model), "about": request.about}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def bound_tokens(request: Request) -> int:
    """The most tokens that a call can cost: a token is at least a byte, and a chat template takes at most 16 a turn."""
    texts = (request.system, *request.turns)
    return request.reply_tokens + sum(len(text.encode()) + 16 for text in texts)
