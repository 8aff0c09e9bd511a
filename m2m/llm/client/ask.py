"""Asks a large language model: requests in, replies out in the same order, each kept at once and paid once."""

import json
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from typing import Literal

from m2m.llm.client.budget import Budget
from m2m.llm.client.http import Caller
from m2m.llm.client.local_model import identify_model, write_replies
from m2m.llm.client.reply import Reply, parse_reply
from m2m.llm.client.reply_cache import CachedReply, ReplyCache, cache_folder
from m2m.llm.client.request import Endpoint, Request, build_body, hash_request
from m2m.llm.client.trouble import RequestError
from m2m.progress import progress

Engine = Literal["endpoint", "local"]
KeyedReplies = Generator[tuple[str, Reply], None, None]
FAILURES_AT_START = 5  # failures, and no success yet
SECONDS_BETWEEN_COST_LINES = 60.0
SECONDS_BETWEEN_LOOKS = 0.2  # at a request that another process is making


def ask(requests: Sequence[Request], engine: Engine, endpoint: Endpoint, label: str) -> list[Reply]:
    """One reply a request, in their order; equal requests are sent once. `endpoint`: a server; `local`: the model here.

    What an earlier run was told is not asked again, whatever ended that run. A request that fails for good has a Reply
    with `error`, which is not kept. OSError: more than `max_failed_share` of all fail, or the server can do none.
    ValueError: the budget is spent, or the key is not set.
    """
    if endpoint.concurrency < 1:
        raise ValueError(f"endpoint.concurrency must be at least 1, got {endpoint.concurrency}")
    model = endpoint.model if engine == "endpoint" else identify_model(endpoint.model, endpoint.revision)
    keys = [hash_request(request, model) for request in requests]
    unique = dict(zip(keys, requests, strict=True))
    with closing(ReplyCache(cache_folder())) as replies:
        told = {key: parse_reply(raw) for key, raw in replies.read(list(unique)).items()}
        missing = {key: request for key, request in unique.items() if key not in told}
        held = len(told)
        if missing:
            if engine == "endpoint":
                new = _served(missing, endpoint, replies, _budget(endpoint, list(unique), held, replies))
            else:
                new = _written(unique, missing, endpoint, model, replies)
            with closing(new):
                told |= _shown(new, label, held, len(missing), endpoint)
    _summary(label, list(told.values()), held)
    return [told[key] for key in keys]


def _budget(endpoint: Endpoint, keys: Sequence[str], held: int, replies: ReplyCache) -> Budget:
    """What is left of it after all tries of an earlier run, those in vain included."""
    if len(keys) > endpoint.max_requests:
        raise ValueError(
            f"{len(keys)} requests are to be made, {held} of them are answered already, and max_requests is "
            f"{endpoint.max_requests}: raise it, or give the stage fewer rows"
        )
    return Budget(endpoint.max_requests, endpoint.max_tokens, *replies.spent(keys))


def _served(missing: Mapping[str, Request], endpoint: Endpoint, replies: ReplyCache, budget: Budget) -> KeyedReplies:
    """Key and reply of each request, as a server gives them."""
    caller = Caller(endpoint, budget, replies)
    threads = ThreadPoolExecutor(endpoint.concurrency)
    calls = {threads.submit(_called, key, request, caller, replies): key for key, request in missing.items()}
    try:
        for call in as_completed(calls):
            yield calls[call], call.result()
    finally:  # calls on their way end, and are kept; after an error no other begins
        caller.stop.set()
        threads.shutdown(cancel_futures=True)
        caller.client.close()


def _called(key: str, request: Request, caller: Caller, replies: ReplyCache) -> Reply:
    """One reply, kept before it is returned; where another process asks for the same, its reply."""
    while not caller.stop.is_set():
        with replies.claimed(key) as ours:
            if known := replies.read([key]):
                return parse_reply(known[key])
            if ours:
                try:
                    raw, reply = caller(key, request)
                except RequestError as error:
                    return Reply(error=str(error))
                replies.keep(_kept(key, request, caller.endpoint.model, raw, reply))
                return reply
        caller.stop.wait(SECONDS_BETWEEN_LOOKS)
    return Reply(error="stopped")


def _written(
    requests: Mapping[str, Request], missing: Mapping[str, Request], endpoint: Endpoint, model: str, replies: ReplyCache
) -> KeyedReplies:
    """Key and reply of each request, from the model in this process."""
    for key, raw in write_replies(requests, missing, endpoint, model):
        if isinstance(raw, RequestError):
            yield key, Reply(error=str(raw))
            continue
        reply = parse_reply(raw)
        replies.keep(_kept(key, missing[key], model, raw, reply))
        yield key, reply


def _kept(key: str, request: Request, model: str, raw: str, reply: Reply) -> CachedReply:
    sent = json.dumps(build_body(request, model), ensure_ascii=False)
    return CachedReply(key, model, reply.fingerprint, sent, raw, reply.prompt_tokens, reply.completion_tokens)


def _shown(new: KeyedReplies, label: str, held: int, missing: int, endpoint: Endpoint) -> dict[str, Reply]:
    """All of `new`, with progress and cost on standard error. OSError when too many fail, of those held and missing."""
    told: dict[str, Reply] = {}
    failed = read = wrote = 0
    shown = time.monotonic()
    for key, reply in progress(new, label, missing):
        told[key] = reply
        failed, read, wrote = failed + bool(reply.error), read + reply.prompt_tokens, wrote + reply.completion_tokens
        hopeless = not held and failed == len(told) == FAILURES_AT_START
        if failed > endpoint.max_failed_share * (held + missing) or hopeless:
            raise OSError(
                f"{failed} of {len(told)} requests failed for good, of {held + missing}, and max_failed_share is "
                f"{endpoint.max_failed_share}; the last: {reply.error}; every reply is kept: run again to go on"
            )
        if time.monotonic() - shown >= SECONDS_BETWEEN_COST_LINES:
            share = missing / len(told)
            print(f"{label}: {read:,} tokens read, {wrote:,} written; in the end about {read * share:,.0f} and "
                  f"{wrote * share:,.0f}", file=sys.stderr)  # fmt: skip
            shown = time.monotonic()
    return told


def _summary(label: str, told: Sequence[Reply], held: int) -> None:
    failed = sum(bool(reply.error) for reply in told)
    read, wrote = sum(reply.prompt_tokens for reply in told), sum(reply.completion_tokens for reply in told)
    prints = {reply.fingerprint for reply in told if reply.fingerprint}
    print(f"{label}: {len(told) - failed:,} replies, {held:,} of them kept from before, {failed:,} failed; "
          f"{read:,} tokens read, {wrote:,} written", file=sys.stderr)  # fmt: skip
    if len(prints) > 1:
        print(f"{label}: the server's settings changed, it reports {len(prints)} fingerprints", file=sys.stderr)
