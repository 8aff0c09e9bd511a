"""ask_in_form: one repair, in the same conversation, under the same budget."""

import json
from dataclasses import replace
from typing import Any

import pytest

from m2m.llm.client.request import Request
from m2m.units.meso.structured_replies import Unparsed, ask_in_form
from tests.llm_server import HERE, llm_server, said

REQUESTS = [Request((word,), reply_tokens=16) for word in ("good", "bad", "worse")]


pytestmark = pytest.mark.usefixtures("llm_home")


def number(text: str) -> int:
    if not text.isdigit():
        raise ValueError("it is no number")
    return int(text)


def answer(body: dict[str, Any]) -> str:
    """A number at once for good, at the second time for bad, never for worse."""
    first = body["messages"][0]["content"]
    return "7" if first == "good" or (first == "bad" and len(body["messages"]) == 3) else f"no {first}"


def test_a_reply_out_of_form_is_asked_for_once_more_and_told_why() -> None:
    with llm_server(answer) as server:
        found = ask_in_form(lambda: [REQUESTS], number, "endpoint", replace(HERE, url=server.url), "test")
    assert found == [7, 7, Unparsed("it is no number", "no worse")]
    assert len(server.asked) == 5
    again = next(body for body in server.asked if len(body["messages"]) == 3 and "bad" in json.dumps(body))
    assert again["messages"][1] == {"role": "assistant", "content": "no bad"}
    assert said(again).startswith("That reply cannot be used: it is no number.")


def test_the_second_round_is_within_the_budget_of_the_first() -> None:
    with llm_server(answer) as server:
        here = replace(HERE, url=server.url, max_requests=4)
        with pytest.raises(ValueError, match="needs 5 requests, of which 3 are answered already"):
            ask_in_form(lambda: [REQUESTS], number, "endpoint", here, "test")
    assert len(server.asked) == 3


def test_slices_give_the_results_of_all_at_once_with_each_repair_at_its_row() -> None:
    with llm_server(answer) as server:
        here = replace(HERE, url=server.url)
        found = ask_in_form(lambda: [REQUESTS[2:], REQUESTS[:2], []], number, "endpoint", here, "test")
    assert found == [Unparsed("it is no number", "no worse"), 7, 7]
    assert len(server.asked) == 5


def test_a_repair_that_fails_is_a_share_of_all_requests() -> None:
    with llm_server(answer, fault=lambda number: "400" if number == 3 else "") as server:
        here = replace(HERE, url=server.url, max_failed_share=0.25)
        found = ask_in_form(lambda: [REQUESTS], number, "endpoint", here, "test")
    assert sum(isinstance(one, Unparsed) and "maximum context" in one.reason for one in found) == 1


def test_a_call_that_failed_is_not_asked_for_again() -> None:
    with llm_server(answer, fault=lambda _: "400") as server:
        here = replace(HERE, url=server.url, max_failed_share=1.0)
        found = ask_in_form(lambda: [REQUESTS], number, "endpoint", here, "test")
    assert all("maximum context length" in one.reason and one.text == "" for one in found)  # type: ignore[union-attr]
    assert len(server.asked) == 3
