"""ask: every request answered once, whatever the server does; nothing that was paid is lost or paid again."""

import random
from dataclasses import replace

import pytest

from stages.io.llm import ask
from stages.io.request import Request
from tests.llm_server import FAULTS, HERE, llm_server, said

pytestmark = pytest.mark.usefixtures("llm_home")


def requests(count: int, **more: object) -> list[Request]:
    return [Request((f"question {number}",), reply_tokens=16, **more) for number in range(count)]


def test_200_requests_under_30_percent_faults_are_each_answered_once_and_in_order():
    chance = random.Random(1)
    faults = [chance.choice(FAULTS) if chance.random() < 0.3 else "" for _ in range(2000)]
    asked = requests(200, top_logprobs=2)
    with llm_server(fault=lambda number: faults[number]) as server:
        replies = ask(asked, "endpoint", replace(HERE, url=server.url), "test")
    assert [reply.text for reply in replies] == [f"You said: question {number}" for number in range(200)]
    assert sorted(map(said, server.served)) == sorted(request.turns[0] for request in asked)
    assert len(server.asked) > 240


def test_what_was_answered_is_never_asked_again():
    with llm_server() as server:
        here = replace(HERE, url=server.url)
        first = ask(requests(5), "endpoint", here, "test")
        assert ask(requests(7), "endpoint", here, "test")[:5] == first
    assert len(server.asked) == 7
