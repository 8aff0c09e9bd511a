"""Asks an LLM for replies in a given form, and once more where the first reply is not in this form."""

from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from m2m.llm.client.ask import Engine, Slices, ask_slices
from m2m.llm.client.reply import Reply
from m2m.llm.client.request import Endpoint, Request

Parsed = TypeVar("Parsed")
AGAIN = "That reply cannot be used: {why}. Reply once more, in the form that was asked for and with nothing else."


class Unparsed(NamedTuple):
    """A reply that has another form after two tries, or an error."""

    reason: str
    text: str


def ask_in_form(
    read: Slices, parse: Callable[[str], Parsed], engine: Engine, endpoint: Endpoint, label: str
) -> list[Parsed | Unparsed]:
    """What `parse` makes of each reply; the message of its ValueError goes back to the LLM, once.

    `read` gives slices of requests, as for `ask_slices`. One budget is for both rounds; `max_failed_share` is a share
    of all requests, in each round.
    """
    results: list[Parsed | Unparsed] = []
    failed, again = set[int](), dict[int, Request]()
    for requests, replies in zip(read(), ask_slices(read, engine, endpoint, label), strict=True):
        for row, (request, reply) in enumerate(zip(requests, replies, strict=True), start=len(results)):
            result = _parse(reply, parse)
            if reply.error:
                failed.add(row)
            elif isinstance(result, Unparsed):
                again[row] = _ask_again(request, reply.text, result.reason)
            results.append(result)
    if not again:
        return results
    read_both = partial(_read_both, read, failed, list(again.values()))
    [last] = deque(ask_slices(read_both, engine, endpoint, f"{label}, again"), maxlen=1)
    for row, reply in zip(again, last[-len(again) :], strict=True):
        results[row] = _parse(reply, parse)
    return results


def _read_both(read: Slices, failed: Container[int], again: Sequence[Request]) -> Iterator[list[Request]]:
    """The requests but the `failed`, which are cached and cost nothing, and `again` at the end of the last slice."""
    paid: list[Request] = []
    row = 0
    for requests in read():
        if paid:
            yield paid
        paid = [request for number, request in enumerate(requests, start=row) if number not in failed]
        row += len(requests)
    yield [*paid, *again]


def _parse(reply: Reply, parse: Callable[[str], Parsed]) -> Parsed | Unparsed:
    if reply.error:
        return Unparsed(reply.error, "")
    try:
        return parse(reply.text)
    except ValueError as error:
        return Unparsed(str(error), reply.text)


def _ask_again(request: Request, text: str, why: str) -> Request:
    return replace(request, turns=(*request.turns, text, AGAIN.format(why=why)))
