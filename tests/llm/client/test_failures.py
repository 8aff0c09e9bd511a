"""What a status means, and how long a server asks to wait."""

from dataclasses import replace
from typing import Any

import pytest

from m2m.llm.client.failures import RequestError, TransientError, interpret_status, read_retry_after
from tests.llm_server import HERE

THERE = replace(HERE, url="http://x/v1", key="MY_KEY")


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, OSError, "refuses the key in MY_KEY"),
        (402, OSError, "no credit left"),
        (404, OSError, "has no model 'tiny'"),
        (418, OSError, "refused the request"),
        (400, RequestError, "refused"),
        (413, RequestError, "refused"),
        (408, TransientError, "busy or broken"),
        (429, TransientError, "busy or broken"),
        (503, TransientError, "busy or broken"),
    ],
)
def test_a_status_is_trouble_for_all_for_one_request_or_for_now(status: int, kind: Any, told: str) -> None:
    error = interpret_status(THERE, status, "(so it said)", None, 0.0)
    assert type(error) is kind
    assert told in str(error)
    assert "(so it said)" in str(error)


def test_a_server_that_needs_a_key_gets_another_sentence_than_one_that_refuses_a_key() -> None:
    assert "needs a key" in str(interpret_status(replace(THERE, key=""), 401, "", None, 0.0))


def test_no_credit_left_is_final_though_its_status_is_that_of_a_busy_server() -> None:
    assert isinstance(interpret_status(THERE, 429, "", "insufficient_quota", 0.0), OSError)


def test_the_wait_that_a_busy_server_names_goes_with_the_trouble() -> None:
    assert interpret_status(THERE, 429, "", None, 7.0).wait == 7.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("1.5", 1.5),
        ("", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("999999999", 3600.0),
        ("Thu, 01 Jan 1970 00:01:30 GMT", 30.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float) -> None:
    assert read_retry_after({"retry-after": header}, lambda: 60.0) == seconds


@pytest.mark.parametrize("clock", [0.0, 10_000.0])
def test_a_date_to_wait_for_is_read_by_the_servers_clock(clock: float) -> None:
    headers = {"retry-after": "Thu, 01 Jan 1970 00:01:30 GMT", "date": "Thu, 01 Jan 1970 00:01:00 GMT"}
    assert read_retry_after(headers, lambda: clock) == 30.0
