from dataclasses import replace

import pytest

from m2m.llm.client.trouble import RequestError, TransientError, interpret_status, read_retry_after
from tests.llm_server import HERE

THERE = replace(HERE, url="http://x/v1", key="MY_KEY")


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, OSError, "takes no request with the key in MY_KEY"),
        (402, OSError, "no credit left"),
        (404, OSError, "has no model 'tiny'"),
        (418, OSError, "does not do what was asked"),
        (400, RequestError, "refused"),
        (413, RequestError, "refused"),
        (408, TransientError, "busy or broken"),
        (429, TransientError, "busy or broken"),
        (503, TransientError, "busy or broken"),
    ],
)
def test_a_status_is_trouble_for_all_for_one_request_or_for_now(status, kind, told):
    error = interpret_status(THERE, status, "(so it said)", None, 0.0)
    assert type(error) is kind
    assert told in str(error)
    assert "(so it said)" in str(error)


def test_a_server_that_wants_a_key_and_gets_none_is_told_apart_from_a_refused_key():
    assert "wants a key" in str(interpret_status(replace(THERE, key=""), 401, "", None, 0.0))


def test_no_credit_left_is_final_though_its_status_is_that_of_a_busy_server():
    assert isinstance(interpret_status(THERE, 429, "", "insufficient_quota", 0.0), OSError)


def test_the_wait_that_a_busy_server_names_goes_with_the_trouble():
    assert interpret_status(THERE, 429, "", None, 7.0).wait == 7.0


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
def test_retry_after_is_a_number_or_a_date(header, seconds):
    assert read_retry_after(header, lambda: 60.0) == seconds
