"""Asks an LLM for replies in a given form, and once more where the first reply is not in this form."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from m2m.llm.client.ask import Engine, ask
from m2m.llm.client.reply import Reply
from m2m.llm.client.request import Endpoint, Request

Parsed = TypeVar("Parsed")
AGAIN = "That reply cannot be used: {why}. Reply once more, in the form that was asked for and with nothing else."


class Unparsed(NamedTuple):
    """A reply that has another form after two tries, or an error."""

    reason: str
    text: str


def ask_in_form(
    requests: Sequence[Request], parse: Callable[[str], Parsed], engine: Engine, endpoint: Endpoint, label: str
) -> list[Parsed | Unparsed]:
    """What `parse` makes of each reply; the message of its ValueError goes back to the LLM, once.

    One budget is for both rounds; `max_failed_share` is a share of all requests, in each round.
    """
    first = ask(requests, engine, endpoint, label)
    results = [_parse(reply, parse) for reply in first]
    retried = [row for row, result in enumerate(results) if isinstance(result, Unparsed) and not first[row].error]
    if not retried:
        return results
    again = [_ask_again(requests[row], first[row].text, results[row]) for row in retried]
    paid = [request for request, reply in zip(requests, first, strict=True) if not reply.error]  # cached: costs nothing
    second = ask([*paid, *again], engine, endpoint, f"{label}, again")[len(paid) :]
    for row, reply in zip(retried, second, strict=True):
        results[row] = _parse(reply, parse)
    return results


def _parse(reply: Reply, parse: Callable[[str], Parsed]) -> Parsed | Unparsed:
    if reply.error:
        return Unparsed(reply.error, "")
    try:
        return parse(reply.text)
    except ValueError as error:
        return Unparsed(str(error), reply.text)


def _ask_again(request: Request, text: str, result: object) -> Request:
    why = result.reason if isinstance(result, Unparsed) else ""
    return replace(request, turns=(*request.turns, text, AGAIN.format(why=why)))
