"""Asks a large language model: requests in, replies out in the same order, each cached at once and paid once."""

import json
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from typing import Literal

from m2m.llm.client.budget import Budget
from m2m.llm.client.failures import RequestError
from m2m.llm.client.http import Caller
from m2m.llm.client.local_model import identify_model, write_replies
from m2m.llm.client.reply import Reply, parse_reply
from m2m.llm.client.reply_cache import CachedReply, ReplyCache, cache_folder
from m2m.llm.client.request import Endpoint, Request, build_body, hash_request
from m2m.progress import track_progress

Engine = Literal["endpoint", "local"]
KeyedReplies = Generator[tuple[str, Reply], None, None]
FAILURES_AT_START = 5  # and no success yet: the stage stops
SECONDS_BETWEEN_COST_LINES = 60.0
SECONDS_BETWEEN_LOOKS = 0.2  # at a request that another process is sending


def ask(requests: Sequence[Request], engine: Engine, endpoint: Endpoint, label: str) -> list[Reply]:
    """One reply a request, in their order; equal requests are sent once. `endpoint`: a server; `local`: a model here.

    Requests that an earlier run had answered are not sent again, whatever ended that run. A request that fails for good
    has a Reply with `error`, which is not cached. OSError: more than `max_failed_share` of all fail, or the server can
    answer none. ValueError: the budget is spent, or the key is not set.
    """
    if endpoint.concurrency < 1:
        raise ValueError(f"endpoint.concurrency must be at least 1, got {endpoint.concurrency}")
    model = endpoint.model if engine == "endpoint" else identify_model(endpoint.model, endpoint.revision)
    keys = [hash_request(request, model) for request in requests]
    unique = dict(zip(keys, requests, strict=True))
    with closing(ReplyCache(cache_folder())) as replies:
        answers = {key: parse_reply(raw) for key, raw in replies.read(list(unique)).items()}
        missing = {key: request for key, request in unique.items() if key not in answers}
        cached = len(answers)
        if missing:
            if engine == "endpoint":
                new = _ask_server(missing, endpoint, replies, _open_budget(endpoint, list(unique), cached, replies))
            else:
                new = _ask_model(unique, missing, endpoint, model, replies)
            with closing(new):
                answers |= _collect(new, label, cached, len(missing), endpoint)
    _print_summary(label, list(answers.values()), cached)
    return [answers[key] for key in keys]


def _open_budget(endpoint: Endpoint, keys: Sequence[str], cached: int, replies: ReplyCache) -> Budget:
    """The budget after all tries of earlier runs, failed ones included."""
    if len(keys) > endpoint.max_requests:
        raise ValueError(
            f"the stage needs {len(keys)} requests, of which {cached} are answered already, but endpoint.max_requests "
            f"is {endpoint.max_requests}: raise it, or give the stage fewer rows"
        )
    return Budget(endpoint.max_requests, endpoint.max_tokens, *replies.spent(keys))


def _ask_server(
    missing: Mapping[str, Request], endpoint: Endpoint, replies: ReplyCache, budget: Budget
) -> KeyedReplies:
    """Key and reply of each request, in the order in which a server answers."""
    caller = Caller(endpoint, budget, replies)
    threads = ThreadPoolExecutor(endpoint.concurrency)
    calls = {threads.submit(_call, key, request, caller, replies): key for key, request in missing.items()}
    try:
        for call in as_completed(calls):
            yield calls[call], call.result()
    finally:  # open calls end and are cached; after an error no other begins
        caller.stop.set()
        threads.shutdown(cancel_futures=True)
        caller.client.close()


def _call(key: str, request: Request, caller: Caller, replies: ReplyCache) -> Reply:
    """One reply, cached before it is returned; where another process sends the same request, its reply."""
    while not caller.stop.is_set():
        with replies.claimed(key) as claimed:
            if raw_replies := replies.read([key]):
                return parse_reply(raw_replies[key])
            if claimed:
                try:
                    raw, reply = caller(key, request)
                except RequestError as error:
                    return Reply(error=str(error))
                replies.keep(_make_row(key, request, caller.endpoint.model, raw, reply))
                return reply
        caller.stop.wait(SECONDS_BETWEEN_LOOKS)
    return Reply(error="stopped")


def _ask_model(
    requests: Mapping[str, Request], missing: Mapping[str, Request], endpoint: Endpoint, model: str, replies: ReplyCache
) -> KeyedReplies:
    """Key and reply of each missing request, from a model in this process."""
    for key, raw in write_replies(requests, missing, endpoint, model):
        if isinstance(raw, RequestError):
            yield key, Reply(error=str(raw))
            continue
        reply = parse_reply(raw)
        replies.keep(_make_row(key, missing[key], model, raw, reply))
        yield key, reply


def _make_row(key: str, request: Request, model: str, raw: str, reply: Reply) -> CachedReply:
    body = json.dumps(build_body(request, model), ensure_ascii=False)
    return CachedReply(key, model, reply.fingerprint, body, raw, reply.prompt_tokens, reply.completion_tokens)


def _collect(new: KeyedReplies, label: str, cached: int, missing: int, endpoint: Endpoint) -> dict[str, Reply]:
    """All of `new`, with progress and cost on standard error. OSError when too many of all requests fail."""
    answers: dict[str, Reply] = {}
    failed = prompt_tokens = reply_tokens = 0
    printed = time.monotonic()
    for key, reply in track_progress(new, label, missing):
        answers[key] = reply
        failed += bool(reply.error)
        prompt_tokens, reply_tokens = prompt_tokens + reply.prompt_tokens, reply_tokens + reply.completion_tokens
        hopeless = not cached and failed == len(answers) == FAILURES_AT_START
        if failed > endpoint.max_failed_share * (cached + missing) or hopeless:
            raise OSError(
                f"{failed} of {len(answers)} requests failed for good ({cached + missing} in all, endpoint."
                f"max_failed_share {endpoint.max_failed_share}), the last with: {reply.error}. Every reply is kept: "
                "mend the cause and run the same command again"
            )
        if time.monotonic() - printed >= SECONDS_BETWEEN_COST_LINES:
            share = missing / len(answers)
            print(f"{label}: {prompt_tokens:,} tokens read, {reply_tokens:,} written; expected in all: "
                  f"{prompt_tokens * share:,.0f} and {reply_tokens * share:,.0f}", file=sys.stderr)  # fmt: skip
            printed = time.monotonic()
    return answers


def _print_summary(label: str, replies: Sequence[Reply], cached: int) -> None:
    failed = sum(bool(reply.error) for reply in replies)
    prompt_tokens = sum(reply.prompt_tokens for reply in replies)
    reply_tokens = sum(reply.completion_tokens for reply in replies)
    fingerprints = {reply.fingerprint for reply in replies if reply.fingerprint}
    print(f"{label}: {len(replies) - failed:,} replies, {cached:,} of them from the cache, {failed:,} failed; "
          f"{prompt_tokens:,} tokens read, {reply_tokens:,} written", file=sys.stderr)  # fmt: skip
    if len(fingerprints) > 1:
        print(
            f"warning: {label}: the server's settings changed, it reports {len(fingerprints)} fingerprints: "
            "to compare replies, ask for all of them again",
            file=sys.stderr,
        )
