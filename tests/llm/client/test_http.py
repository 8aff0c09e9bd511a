"""One call: what passes is tried again, what does not is one sentence, and no secret is in it."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tenacity

from m2m.llm.client import http
from m2m.llm.client.budget import Budget
from m2m.llm.client.failures import RequestError, TransientError
from m2m.llm.client.http import Caller
from m2m.llm.client.reply_cache import ReplyCache, cache_folder
from m2m.llm.client.request import Request
from tests.llm_server import HERE, PATIENCE, REFUSALS, llm_server

pytestmark = pytest.mark.usefixtures("llm_home")
QUESTION = Request(("Why?",), reply_tokens=8, top_logprobs=2)


@pytest.fixture
def caller(llm_home: Path) -> Iterator[Any]:
    """A maker of callers, of one cache."""
    with closing(ReplyCache(cache_folder())) as kept:
        yield lambda server, **more: Caller(replace(HERE, url=server.url, **more), Budget(99, 10_000, 0, 0), kept)


@pytest.mark.parametrize("fault", ["429", "500", "slow", "drop", "no json", "wrong model", "no logprobs"])
def test_trouble_that_passes_is_tried_again(caller: Any, fault: str) -> None:
    with llm_server(fault=lambda number: fault if number < 1 else "") as server:
        _, reply = caller(server, timeout=PATIENCE)("key", QUESTION)
    assert reply.text == "You said: Why?"
    assert (reply.model, reply.fingerprint, reply.prompt_tokens) == ("tiny", "fp_1", 1)
    assert reply.logprobs[0]["top_logprobs"][0]["token"] == "m"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("500", r"is busy or broken \(HTTP 500: .*Oops.*, 8 times"),
        ("drop", r"gave no reply \(APIConnectionError: .*, 8 times"),
        ("no json", r"sent a reply that is no completion: '<html>bad gateway</html>', 8 times"),
        (
            "wrong model",
            r"requested model 'tiny' but the server answered as 'somebody-else': if intended, set end",
        ),
        ("no logprobs", r"sends no log-probabilities, .*: choose another server, 8 times"),
    ],
)
def test_trouble_that_does_not_pass_ends_after_eight_times_and_says_what_it_is(
    caller: Any, fault: str, told: str
) -> None:
    with llm_server(fault=lambda _: fault) as server, pytest.raises(RequestError, match=told):
        caller(server)("key", QUESTION)
    assert len(server.asked) == 8


def test_a_text_too_long_for_the_model_fails_alone_and_at_once(caller: Any) -> None:
    with (
        llm_server(fault=lambda _: "400") as server,
        pytest.raises(RequestError, match="maximum context length is 8 tokens"),
    ):
        caller(server)("key", QUESTION)
    assert len(server.asked) == 1


def test_a_model_that_wants_the_limit_under_its_new_name_is_told_so_once(caller: Any) -> None:
    with llm_server() as server:
        server.limit = "max_completion_tokens"
        ask = caller(server)
        replies = [ask(key, QUESTION)[1].text for key in ("one", "two")]
    assert replies == ["You said: Why?"] * 2
    assert [body.get("max_completion_tokens") for body in server.asked] == [None, 8, 8]
    assert [body.get("max_tokens") for body in server.asked] == [8, None, None]


@pytest.mark.parametrize("form", ["chat", "completion"])
def test_a_reply_that_does_not_fit_keeps_its_limit_whatever_the_server_calls_it(
    caller: Any, monkeypatch: pytest.MonkeyPatch, form: Any
) -> None:
    too_long = (
        "'max_tokens' or 'max_completion_tokens' is too large: 8. This model's maximum context length is 4 tokens"
    )
    monkeypatch.setitem(REFUSALS, "400", too_long)
    asked = replace(QUESTION, form=form, top_logprobs=0)
    with llm_server(fault=lambda number: "400" if number < 1 else "") as server:
        ask = caller(server)
        with pytest.raises(RequestError, match="is too large"):
            ask("one", asked)
        ask("two", asked)
    assert [body["max_tokens"] for body in server.asked] == [8, 8]


def test_a_wrong_name_of_the_model_is_final_for_all(caller: Any) -> None:
    with (
        llm_server(fault=lambda _: "404") as server,
        pytest.raises(OSError, match="has no model 'tiny', or is no such"),
    ):
        caller(server)("key", QUESTION)
    assert len(server.asked) == 1


def test_a_refused_key_is_final_and_the_key_is_in_no_word_of_it(caller: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with llm_server(fault=lambda _: "401") as server, pytest.raises(OSError, match="the key in MY_KEY") as error:
        caller(server, key="MY_KEY")("key", QUESTION)
    assert server.headers[0]["authorization"] == "Bearer sk-very-secret"
    assert "provided: ***" in str(error.value)
    assert "secret" not in str(error.value) + repr(error.value.__cause__) + repr(error.value.args)


def test_nothing_that_the_environment_has_for_openai_goes_to_a_server_that_needs_no_key(
    caller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-very-secret")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: sk-very-secret")
    with llm_server() as server:
        caller(server)("key", QUESTION)
    assert "secret" not in str(server.headers)


def test_a_server_that_is_down_was_not_paid(caller: Any) -> None:
    with llm_server() as server:
        pass
    call = caller(server)
    with pytest.raises(RequestError, match=r"gave no reply \(APIConnectionError: .*refused.*, 8 times"):
        call("key", QUESTION)
    assert (call.budget.requests, call.budget.tokens) == call.replies.spent(["key"]) == (0, 0)


def test_a_dropped_reply_may_have_been_paid_and_counts_in_full(caller: Any) -> None:
    with llm_server(fault=lambda number: "drop" if number == 0 else "") as server:
        call = caller(server)
        call("key", QUESTION)
    assert call.budget.requests == 2
    assert call.budget.tokens > 8 + 4
    assert call.replies.spent(["key"]) == (call.budget.requests, call.budget.tokens)


def test_a_wait_lasts_at_least_as_long_as_the_server_says() -> None:
    class State:
        class outcome:
            exception = staticmethod(lambda: TransientError("busy", 7.0))

    assert http._wait(lambda _: 0.5)(State) == 7.5


class Noticed(threading.Event):
    """An event that knows whether somebody has begun to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.is_awaited.set()
        return super().wait(timeout)


def test_a_stop_ends_a_wait_of_a_minute_at_once(caller: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_wait", lambda _: tenacity.wait_fixed(60))
    with llm_server(fault=lambda _: "500") as server:
        call, ended = caller(server), threading.Event()
        call.stop = Noticed()

        def run() -> None:
            with pytest.raises(RequestError):
                call("key", QUESTION)
            ended.set()

        threading.Thread(target=run, daemon=True).start()
        assert call.stop.is_awaited.wait(30)
        call.stop.set()
        assert ended.wait(30)


def test_after_a_stop_nothing_is_sent_and_nothing_paid(caller: Any) -> None:
    with llm_server() as server:
        call = caller(server)
        call.stop.set()
        with pytest.raises(RequestError, match="stopped"):
            call("key", QUESTION)
    assert (server.asked, call.budget.requests, call.replies.spent(["key"])) == ([], 0, (0, 0))


@pytest.mark.parametrize("key", ["sk-very/secret", 'sk-"very"-secret', "sk-very-secret"])
def test_a_key_that_a_server_sends_back_is_not_kept(caller: Any, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with llm_server() as server:
        raw, reply = caller(server, key="MY_KEY")("key", replace(QUESTION, turns=(f"Say {key}",)))
    assert reply.text == "You said: Say ***"
    assert key not in raw and json.dumps(key)[1:-1] not in raw


def test_a_word_that_is_no_secret_stays_in_the_reply(caller: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "EMPTY")
    with llm_server() as server:
        _, reply = caller(server, key="MY_KEY")("key", replace(QUESTION, turns=("Say EMPTY",)))
    assert reply.text == "You said: Say EMPTY"
