"""ask: every request answered once, whatever the server does; nothing that was paid is lost or paid again."""

import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from m2m.llm.client.ask import ask, ask_slices
from m2m.llm.client.reply_cache import ReplyCache, cache_folder
from m2m.llm.client.request import Request, bound_tokens, hash_request
from tests.llm_server import FAULTS, HERE, PATIENCE, llm_server, said

pytestmark = pytest.mark.usefixtures("llm_home")


def requests(count: int, **more: Any) -> list[Request]:
    return [Request((f"question {number}",), reply_tokens=16, **more) for number in range(count)]


def test_200_requests_under_30_percent_faults_are_each_answered_once_and_in_order() -> None:
    chance = random.Random(1)
    faults = [chance.choice(FAULTS) if chance.random() < 0.3 else "" for _ in range(2000)]
    asked = requests(200, top_logprobs=2)
    with llm_server(fault=lambda number: faults[number]) as server:
        replies = ask(asked, "endpoint", replace(HERE, url=server.url, timeout=PATIENCE, concurrency=20), "test")
    assert [reply.text for reply in replies] == [f"You said: question {number}" for number in range(200)]
    assert sorted(map(said, server.served)) == sorted(request.turns[0] for request in asked)
    assert len(server.asked) > 240


def test_what_was_answered_is_never_asked_again_and_equal_requests_are_one() -> None:
    with llm_server() as server:
        here = replace(HERE, url=server.url)
        first = ask(requests(5), "endpoint", here, "test")
        more = ask(requests(7) + requests(2), "endpoint", here, "test")
        assert more[:5] == first
        assert more[7:] == first[:2]
        assert ask([], "endpoint", here, "test") == []
    assert len(server.asked) == 7


def test_slices_give_the_replies_of_all_at_once_and_the_next_waits_until_these_are_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    slices, begun = [requests(3), [], requests(7)[2:], requests(1)], list[int]()

    def read() -> Iterator[list[Request]]:
        begun.append(0)
        for piece in slices:
            begun[-1] += 1
            yield piece

    with llm_server() as server:
        here = replace(HERE, url=server.url)
        replies = ask_slices(read, "endpoint", here, "test")
        first = next(replies)
        assert begun == [4, 1] and len(server.asked) == 3
        others = list(replies)
        assert [first, *others] == [ask(piece, "endpoint", here, "test") for piece in slices]
    assert len(server.asked) == 7
    assert [reply.text for reply in others[1]] == [f"You said: question {number}" for number in range(2, 7)]
    assert "test: 7 replies, 0 of them from the cache, 0 failed" in capsys.readouterr().err


def test_slices_share_one_budget_one_share_of_failures_and_go_on_where_they_stopped() -> None:
    slices = [requests(6)[:2], requests(6)[2:4], requests(6)[4:]]
    with llm_server(fault=lambda number: "400" if number in (1, 2) else "") as server:
        here = replace(HERE, url=server.url, concurrency=1)
        with pytest.raises(ValueError, match="needs 6 requests, of which 0 are answered already"):
            list(ask_slices(lambda: slices, "endpoint", replace(here, max_requests=5), "test"))
        with pytest.raises(OSError, match=r"2 of 3 requests failed for good \(6 in all"):
            list(ask_slices(lambda: slices, "endpoint", replace(here, max_failed_share=0.2), "test"))
        assert len(server.asked) == 3
        replies = list(ask_slices(lambda: slices, "endpoint", here, "test"))
    assert not any(reply.error for piece in replies for reply in piece)
    assert len(server.asked) == 8


def test_repeats_are_requests_of_their_own() -> None:
    repeats = [Request(("Who is better?",), reply_tokens=16, seed=seed) for seed in range(3)]
    with llm_server() as server:
        for _ in range(2):
            ask(repeats, "endpoint", replace(HERE, url=server.url), "test")
    assert sorted(body["seed"] for body in server.asked) == [0, 1, 2]


def test_more_requests_than_the_budget_are_told_before_the_first_is_sent() -> None:
    with llm_server() as server:
        here = replace(HERE, url=server.url, max_requests=4)
        with pytest.raises(
            ValueError, match=r"needs 5 requests, .* 0 are answered already, but endpoint\.max_requests is 4"
        ):
            ask(requests(5), "endpoint", here, "test")
    assert server.asked == []


def test_the_token_budget_stops_in_time_loses_nothing_and_a_raised_one_goes_on() -> None:
    with llm_server() as server:
        here = replace(HERE, url=server.url, concurrency=1, max_tokens=150)
        with pytest.raises(ValueError, match=r"max_tokens is 150, of which \d+ are used.*: raise it .*is kept"):
            ask(requests(60), "endpoint", here, "test")
        paid = len(server.served)
        assert 0 < paid * 6 <= 150  # two tokens read and four written for each
        with pytest.raises(ValueError, match="are used, and the next request may take"):
            ask(requests(60), "endpoint", here, "test")
        assert len(server.served) == paid
        ask(requests(60), "endpoint", replace(here, max_tokens=10_000), "test")
    assert len(server.served) == 60


def test_what_an_earlier_run_paid_in_vain_counts_too() -> None:
    with llm_server(fault=lambda number: "wrong model" if number < 2 else "") as server:
        here = replace(HERE, url=server.url, concurrency=1, max_requests=3)
        ask(requests(1), "endpoint", here, "test")
        with pytest.raises(ValueError, match="max_requests is reached, 3"):
            ask(requests(2), "endpoint", here, "test")
    assert len(server.asked) == 3


def test_kept_replies_that_do_not_tell_their_cost_count_as_the_most_they_can_have_cost() -> None:
    with llm_server(fault=lambda number: "no usage") as server:
        here = replace(HERE, url=server.url)
        ask(requests(20), "endpoint", here, "test")
        spent = sum(bound_tokens(request) for request in requests(20))
        with pytest.raises(ValueError, match="are used, and the next request may take"):
            ask(requests(21), "endpoint", replace(here, max_tokens=spent), "test")
    assert len(server.served) == 20


def test_a_few_failures_are_replies_with_their_reason_and_too_many_stop_the_stage() -> None:
    faults = {3: "400"}
    with llm_server(fault=lambda number: faults.get(number, "")) as server:
        here = replace(HERE, url=server.url, concurrency=1, max_failed_share=0.1)
        replies = ask(requests(10), "endpoint", here, "test")
        assert [bool(reply.error) for reply in replies] == [at == 3 for at in range(10)]
    faults |= {4: "400"}
    with llm_server(fault=lambda number: faults.get(number, "")) as server:
        here = replace(HERE, url=server.url, concurrency=1, max_failed_share=0.1)
        with pytest.raises(
            OSError, match=r"2 of \d+ requests failed for good \(10 in all, endpoint\.max_failed_share 0\.1\), the last"
        ):
            ask([replace(request, seed=1) for request in requests(10)], "endpoint", here, "test")


def test_what_fails_again_in_a_later_run_is_a_share_of_all_requests_not_of_those_left() -> None:
    faults = {3: "400", 10: "400"}
    with llm_server(fault=lambda number: faults.get(number, "")) as server:
        here = replace(HERE, url=server.url, concurrency=1, max_failed_share=0.1)
        for _ in range(2):
            replies = ask(requests(10), "endpoint", here, "test")
            assert [bool(reply.error) for reply in replies] == [at == 3 for at in range(10)]
        assert not ask(requests(10), "endpoint", here, "test")[3].error
    assert len(server.asked) == 12


def test_a_resumed_run_with_five_failures_left_is_not_hopeless() -> None:
    with llm_server(fault=lambda number: "400" if number else "") as server:
        here = replace(HERE, url=server.url, max_failed_share=1.0)
        ask(requests(1), "endpoint", here, "test")
        replies = ask(requests(8), "endpoint", here, "test")
    assert [bool(reply.error) for reply in replies] == [False] + 7 * [True]


def test_five_failures_and_no_success_stop_the_stage_however_many_may_fail() -> None:
    with llm_server(fault=lambda _: "400") as server:
        here = replace(HERE, url=server.url, concurrency=1, max_failed_share=1.0)
        with pytest.raises(OSError, match=r"5 of 5 requests failed for good \(50 in all,"):
            ask(requests(50), "endpoint", here, "test")
    assert len(server.asked) <= 7


def test_a_refused_key_stops_the_stage_and_is_in_no_line_on_the_screen_nor_in_the_cache(
    llm_home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with llm_server(fault=lambda number: "401" if number > 3 else "") as server:
        with pytest.raises(OSError, match="refuses the key in MY_KEY"):
            ask(requests(50), "endpoint", replace(HERE, url=server.url, key="MY_KEY"), "test")
        assert len(server.asked) < 30
    assert "very-secret" not in "".join(capfd.readouterr())
    assert not any(b"very-secret" in path.read_bytes() for path in (llm_home / ".cache/llm").iterdir())


def test_cost_rate_and_what_was_kept_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with llm_server() as server:
        ask(requests(3), "endpoint", replace(HERE, url=server.url), "respond")
        ask(requests(4), "endpoint", replace(HERE, url=server.url), "respond")
    told = capsys.readouterr().err
    assert "respond: 1/1, " in told
    assert "respond: 4 replies, 3 of them from the cache, 0 failed; 8 tokens read, 16 written" in told


def in_a_process(url: str) -> None:
    ask(requests(40), "endpoint", replace(HERE, url=url, concurrency=4), "test")


def test_two_processes_that_ask_the_same_at_once_pay_once() -> None:
    context = multiprocessing.get_context("spawn")
    with llm_server(delay=0.02) as server:
        both = [context.Process(target=in_a_process, args=(server.url,)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
    assert [one.exitcode for one in both] == [0, 0]
    assert sorted(map(said, server.served)) == sorted(request.turns[0] for request in requests(40))


def test_after_kill_9_in_the_middle_every_request_has_still_been_paid_once() -> None:
    context = multiprocessing.get_context("spawn")
    with llm_server() as server:
        server.pause_after = 20
        one = context.Process(target=in_a_process, args=(server.url,))
        one.start()
        while len(kept()) < 20 or len(server.asked) < 24:  # four are on their way, none is between the two
            assert one.is_alive()
            time.sleep(0.01)
        one.kill()
        one.join()
        server.go.set()
        in_a_process(server.url)
    assert sorted(map(said, server.served)) == sorted(request.turns[0] for request in requests(40))
    assert len(server.asked) == 44
    with closing(ReplyCache(cache_folder())) as replies:
        tries, _ = replies.spent([hash_request(request, HERE.model) for request in requests(40)])
    assert tries == 44  # the four that the kill cut short may have been paid


def kept() -> dict[str, str]:
    with closing(ReplyCache(cache_folder())) as replies:
        return replies.read([hash_request(request, HERE.model) for request in requests(40)])


def test_a_pipeline_that_asks_no_llm_needs_no_client() -> None:
    script = "import sys, stages.respond, stages.tag, stages.judge; assert not {'openai', 'torch'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3]).returncode == 0
