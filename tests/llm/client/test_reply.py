import doctest
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.llm.client import reply as module
from m2m.llm.client.reply import Reply, is_same_model, parse_reply

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["choices", "message", "content"]), inner)
    ),
)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(module).failed == 0


def test_a_chat_and_a_completion_say_the_same() -> None:
    rest = {"finish_reason": "stop"}
    chat = {"choices": [{"message": {"content": "yes"}, **rest}]}
    assert parse_reply(json.dumps(chat)) == parse_reply(json.dumps({"choices": [{"text": "yes", **rest}]}))
    assert parse_reply(json.dumps(chat)) == Reply("yes", "stop")


def test_a_reply_that_the_server_filtered_has_no_text_but_a_finish() -> None:
    raw = json.dumps({"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}], "usage": None})
    assert parse_reply(raw) == Reply("", "content_filter")


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "<html>",
        "[]",
        "null",
        "{}",
        '{"choices": []}',
        '{"choices": [{"text": 3}]}',
        "[" * 99_999,
    ],
)
def test_what_is_no_completion_is_one_sentence(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"a reply that is no completion|a reply without text"):
        parse_reply(raw)


def test_half_a_surrogate_in_a_reply_becomes_a_character_that_can_be_written() -> None:
    assert parse_reply(r'{"choices": [{"text": "a\ud83d"}]}').text == "a?"


def test_a_usage_below_zero_gives_no_budget_back() -> None:
    reply = parse_reply('{"choices": [{"text": ""}], "usage": {"prompt_tokens": -9, "completion_tokens": -1}}')
    assert (reply.prompt_tokens, reply.completion_tokens) == (0, 0)


@pytest.mark.parametrize(
    ("asked", "reported"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("llama-3-8b", "llama-3-8b-instruct"),
        ("llama-3", "llama-3-8b"),
        ("owner/llama-3-8b", "owner/llama-3-8b-instruct"),
        ("candidate-1a2b3c4d", "candidate-5e6f7a8b"),
        ("tiny", "/models/tiny-chat@main"),
    ],
)
def test_a_sibling_is_another_model(asked: str, reported: str) -> None:
    assert not is_same_model(asked, reported)


@pytest.mark.parametrize("added", ["", "-0613", "-2024-08-06", "@main", ":latest", "-001"])
def test_a_date_or_version_at_the_end_is_the_same_model(added: str) -> None:
    assert is_same_model("owner/gpt-4o", f"owner/gpt-4o{added}")
    assert is_same_model("gpt-4o", f"owner/gpt-4o{added}")


@given(ANYTHING)
def test_any_json_is_a_reply_or_a_value_error(record: Any) -> None:
    try:
        assert isinstance(parse_reply(json.dumps(record)), Reply)
    except ValueError as error:
        assert "a reply" in str(error)


@pytest.mark.parametrize("tokens", [10**30, -1, float("inf"), float("nan"), "many", [], {}, 2**63])
def test_a_count_that_no_call_can_have_used_is_none(tokens: Any) -> None:
    usage = {"prompt_tokens": tokens, "completion_tokens": 7}
    reply = parse_reply(json.dumps({"choices": [{"text": "yes"}], "usage": usage}))
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("yes", 0, 7)


def test_half_a_surrogate_is_in_no_name_that_a_server_gives_itself() -> None:
    record = {
        "choices": [{"text": "a\ud800", "finish_reason": "\udfff"}],
        "model": "m\ud800",
        "system_fingerprint": "\ud800",
    }
    reply = parse_reply(json.dumps(record))
    assert (reply.text, reply.finish, reply.model, reply.fingerprint) == ("a?", "?", "m?", "?")
