"""Asks an LLM for replies in a given form, and once more where the first is not in it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from m2m.llm.client.ask import Engine, ask
from m2m.llm.client.reply import Reply
from m2m.llm.client.request import Endpoint, Request

Parsed = TypeVar("Parsed")
AGAIN = "That reply cannot be used: {why}. Reply once more, in the form that was asked for and with nothing else."


class Unparsed(NamedTuple):
    """A reply that stayed out of form, or none at all."""

    reason: str
    text: str


def ask_in_form(
    requests: Sequence[Request], parse: Callable[[str], Parsed], engine: Engine, endpoint: Endpoint, label: str
) -> list[Parsed | Unparsed]:
    """What `parse` makes of each reply; its ValueError says what is wrong, and is told to the LLM, once.

    One budget holds for both rounds; `max_failed_share` is of all the requests, in each round.
    """
    first = ask(requests, engine, endpoint, label)
    results = [_result(reply, parse) for reply in first]
    wrong = [at for at, one in enumerate(results) if isinstance(one, Unparsed) and not first[at].error]
    if not wrong:
        return results
    again = [_again(requests[at], first[at].text, results[at]) for at in wrong]
    paid = [request for request, reply in zip(requests, first, strict=True) if not reply.error]  # kept: costs nothing
    second = ask([*paid, *again], engine, endpoint, f"{label}, again")[len(paid) :]
    for at, reply in zip(wrong, second, strict=True):
        results[at] = _result(reply, parse)
    return results


def _result(reply: Reply, parse: Callable[[str], Parsed]) -> Parsed | Unparsed:
    if reply.error:
        return Unparsed(reply.error, "")
    try:
        return parse(reply.text)
    except ValueError as error:
        return Unparsed(str(error), reply.text)


def _again(request: Request, text: str, result: object) -> Request:
    why = result.reason if isinstance(result, Unparsed) else ""
    return replace(request, turns=(*request.turns, text, AGAIN.format(why=why)))
