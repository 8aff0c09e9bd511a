import threading

import pytest

from m2m.llm.client.budget import Budget


def test_the_request_after_the_last_is_refused_and_told_how_to_go_on() -> None:
    budget = Budget(2, 100, requests=1, tokens=10)
    budget.reserve(10)
    with pytest.raises(
        ValueError, match=r"max_requests is reached, 2: raise it and run .*; every reply so far is kept"
    ):
        budget.reserve(10)


def test_a_request_that_could_pass_the_limit_is_refused_before_it_is_sent() -> None:
    budget = Budget(9, 100, requests=0, tokens=0)
    budget.reserve(60)
    budget.settle(60, 41, paid=True)
    with pytest.raises(ValueError, match="max_tokens is 100, of which 41 are used, and the next request may take 60"):
        budget.reserve(60)
    budget.reserve(59)


def test_what_was_set_aside_and_not_used_is_for_the_request_that_waits() -> None:
    budget = Budget(9, 100, requests=0, tokens=0)
    budget.reserve(60)
    later = threading.Thread(target=budget.reserve, args=(60,))
    later.start()
    assert budget.requests == 1
    budget.settle(60, 20, paid=True)
    later.join(timeout=10)
    assert (budget.requests, budget.tokens, budget.reserved) == (2, 20, 60)


def test_what_was_refused_was_not_paid_and_does_not_count() -> None:
    budget = Budget(1, 100, requests=0, tokens=0)
    for _ in range(3):
        budget.reserve(60)
        budget.settle(60, 0, paid=False)
    assert (budget.requests, budget.tokens, budget.reserved) == (0, 0, 0)
