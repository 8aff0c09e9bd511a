"""Asks a large language model: requests in, replies out in the same order, each cached at once and paid once."""

import json
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from m2m.llm.client.budget import Budget
from m2m.llm.client.failures import RequestError
from m2m.llm.client.http import Caller
from m2m.llm.client.local_model import identify_model, write_replies
from m2m.llm.client.reply import Reply, parse_reply
from m2m.llm.client.reply_cache import CachedReply, ReplyCache, cache_folder
from m2m.llm.client.request import Endpoint, Request, build_body, hash_request
from m2m.progress import track_progress

Engine = Literal["endpoint", "local"]
Slices = Callable[[], Iterable[Sequence[Request]]]
KeyedReplies = Generator[tuple[str, Reply], None, None]
FAILURES_AT_START = 5  # and no success yet: the stage stops
SECONDS_BETWEEN_COST_LINES = 60.0
SECONDS_BETWEEN_LOOKS = 0.2  # at a request that another process is sending


@dataclass
class Usage:
    """What the replies so far have cost."""

    replies: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    fingerprints: set[str] = field(default_factory=set)

    def add(self, reply: Reply) -> None:
        """Count one more."""
        self.replies += 1
        self.failed += bool(reply.error)
        self.prompt_tokens += reply.prompt_tokens
        self.reply_tokens += reply.completion_tokens
        self.fingerprints |= {reply.fingerprint} if reply.fingerprint else set()


class Plan(NamedTuple):
    """What is to be asked: different requests by hash, how many have a reply, and the tries so far and their tokens."""

    keys: set[bytes]
    cached: int
    spent: tuple[int, int]


def ask(requests: Sequence[Request], engine: Engine, endpoint: Endpoint, label: str) -> list[Reply]:
    """One reply a request, in their order; see `ask_slices`."""
    [replies] = ask_slices(lambda: [requests], engine, endpoint, label)
    return replies


def ask_slices(read: Slices, engine: Engine, endpoint: Endpoint, label: str) -> Iterator[list[Reply]]:
    """One reply a request, in their order; equal requests are sent once. `endpoint`: a server; `local`: a model here.

    `read` gives the same slices of requests at every call, here two. One slice is in memory, with a hash of each other
    request; the next one is sent when the replies of this are taken.
    Requests that an earlier run had answered are not sent again, whatever ended that run. A request that fails for good
    has a Reply with `error`, which is not cached. OSError: more than `max_failed_share` of all fail, or the server can
    answer none. ValueError: the budget is spent, or the key is not set.
    """
    if endpoint.concurrency < 1:
        raise ValueError(f"endpoint.concurrency must be at least 1, got {endpoint.concurrency}")
    model = endpoint.model if engine == "endpoint" else identify_model(endpoint.model, endpoint.revision)
    new, total = Usage(), Usage()
    with closing(ReplyCache(cache_folder())) as replies:
        plan = _plan(read, model, replies)
        count, uncounted = len(plan.keys), set(plan.keys)
        budget = _open_budget(endpoint, plan) if engine == "endpoint" and count > plan.cached else None
        for requests in read():
            keys = [hash_request(request, model) for request in requests]
            unique = dict(zip(keys, requests, strict=True))
            answers = {key: parse_reply(raw) for key, raw in replies.read(list(unique)).items()}
            missing = {key: request for key, request in unique.items() if key not in answers}
            if missing:
                if engine == "endpoint":
                    budget = budget or _open_budget(endpoint, plan)  # a reply may be gone from the cache since
                    replying = _ask_server(missing, endpoint, replies, budget)
                else:
                    replying = _ask_model(unique, missing, endpoint, model, replies)
                progress = f"{label}, after {total.replies:,} of {count:,}" if total.replies else label
                with closing(replying):
                    answers |= _collect(track_progress(replying, progress, len(missing)), label, plan, new, endpoint)
            for key, reply in answers.items():
                if (short := bytes.fromhex(key)) in uncounted:  # not of an earlier slice
                    uncounted.remove(short)
                    total.add(reply)
            yield [answers[key] for key in keys]
    _print_summary(label, total, plan.cached)


def _plan(read: Slices, model: str, replies: ReplyCache) -> Plan:
    """What the requests need; read once."""
    hashes: set[bytes] = set()
    cached = tries = tokens = 0
    for requests in read():
        keys = {bytes.fromhex(hash_request(request, model)) for request in requests} - hashes
        hashes |= keys
        names = [key.hex() for key in keys]
        cached += len(replies.read(names))
        spent = replies.spent(names)
        tries, tokens = tries + spent[0], tokens + spent[1]
    return Plan(hashes, cached, (tries, tokens))


def _open_budget(endpoint: Endpoint, plan: Plan) -> Budget:
    """The budget after all tries of earlier runs, failed ones included."""
    if len(plan.keys) > endpoint.max_requests:
        raise ValueError(
            f"the stage needs {len(plan.keys)} requests, of which {plan.cached} are answered already, but "
            f"endpoint.max_requests is {endpoint.max_requests}: raise it, or give the stage fewer rows"
        )
    return Budget(endpoint.max_requests, endpoint.max_tokens, *plan.spent)


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


def _collect(
    replies: Iterable[tuple[str, Reply]], label: str, plan: Plan, usage: Usage, endpoint: Endpoint
) -> dict[str, Reply]:
    """All `replies`, counted in `usage`, with cost on standard error. OSError when too many of all requests fail."""
    answers: dict[str, Reply] = {}
    printed = time.monotonic()
    for key, reply in replies:
        answers[key] = reply
        usage.add(reply)
        hopeless = not plan.cached and usage.failed == usage.replies == FAILURES_AT_START
        if usage.failed > endpoint.max_failed_share * len(plan.keys) or hopeless:
            raise OSError(
                f"{usage.failed} of {usage.replies} requests failed for good ({len(plan.keys)} in all, endpoint."
                f"max_failed_share {endpoint.max_failed_share}), the last with: {reply.error}. Every reply is kept: "
                "mend the cause and run the same command again"
            )
        if time.monotonic() - printed >= SECONDS_BETWEEN_COST_LINES:
            share = (len(plan.keys) - plan.cached) / usage.replies
            in_all = f"{usage.prompt_tokens * share:,.0f} and {usage.reply_tokens * share:,.0f}"
            print(f"{label}: {usage.prompt_tokens:,} tokens read, {usage.reply_tokens:,} written; expected in all: "
                  f"{in_all}", file=sys.stderr)  # fmt: skip
            printed = time.monotonic()
    return answers


def _print_summary(label: str, usage: Usage, cached: int) -> None:
    print(f"{label}: {usage.replies - usage.failed:,} replies, {cached:,} of them from the cache, {usage.failed:,} "
          f"failed; {usage.prompt_tokens:,} tokens read, {usage.reply_tokens:,} written", file=sys.stderr)  # fmt: skip
    if len(usage.fingerprints) > 1:
        print(
            f"warning: {label}: the server's settings changed, it reports {len(usage.fingerprints)} fingerprints: "
            "to compare replies, ask for all of them again",
            file=sys.stderr,
        )
