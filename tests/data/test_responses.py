from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.data.responses import RowReply, explain_unusable, is_repetitive, replace_responses, require_responses

POOL = pl.DataFrame(
    {"id": ["a", "b", "c"], "source": "s", "instruction": ["1?", "2?", "3?"], "response": ["x", "y", "z"]}
)


def test_a_new_response_stands_beside_the_old_one_and_the_others_are_left_out_with_their_reason() -> None:
    replies = [RowReply(" one\n", "stop", ""), RowReply("tw", "length", ""), RowReply("", "", "too long")]
    pairs, rest = replace_responses(POOL, replies)
    assert pairs.columns == ["id", "source", "instruction", "response", "original"]
    assert pairs.rows() == [("a", "s", "1?", "one", "x")]
    assert rest.rows() == [("b", "truncated", "tw"), ("c", "too long", "")]


def test_no_response_at_all_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"no row got a usable response: 2 empty, 1 truncated\. Check"):
        require_responses(0, Counter(["empty", "truncated", "empty"]))
    require_responses(1, Counter(["empty"]))


def test_a_slice_without_a_response_is_an_empty_table_and_reasons() -> None:
    replies = [RowReply("", "stop", ""), RowReply(" ", "stop", ""), RowReply("x", "length", "")]
    pairs, rest = replace_responses(POOL, replies)
    assert pairs.is_empty() and pairs.columns == ["id", "source", "instruction", "response", "original"]
    assert rest["reason"].to_list() == ["empty", "empty", "truncated"]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can’t assist with that request.",
        "Sorry, I cannot provide this.",
        "As an AI language model, I do not have opinions.",
        "I cannot help you break into a house.",
        "I am unable to answer.",
    ],
)
def test_declining_in_the_first_sentence_is_a_refusal(text: str) -> None:
    assert explain_unusable(text, "stop") == "refused"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear that. Here is how to complain to the shop.",
        "The letter may begin: “I'm sorry, but I can't come.”",
        "As an AI researcher you will read many papers.",
        "Can't you see? The function never returns.",
        "I cannot overstate how useful a list is.",
        "I can't help but admire how the novel opens.",
        "I don't answer emails after six, and here is why it works.",
        "我不能说得更好：清单很有用。",
    ],
)
def test_an_answer_that_says_sorry_or_cannot_is_none(text: str) -> None:
    assert explain_unusable(text, "stop") == ""


def test_a_loop_at_the_end_is_told_before_the_cut_that_it_caused() -> None:
    text = "The answer is as follows. " + "Then add one more. " * 10
    assert explain_unusable(text, "length") == "repeats itself"


def test_the_server_s_filter_and_a_model_that_thinks_aloud_are_named() -> None:
    assert explain_unusable("", "content_filter") == "filtered by the server"
    assert explain_unusable("Half an answer", "content_filter") == "filtered by the server"
    assert explain_unusable("<think>Hm.</think> Yes.", "stop") == "thinks aloud"


@pytest.mark.parametrize(
    ("passage", "rounds", "is_loop"),
    [("a", 23, False), ("a", 24, True), ("a b c d e f g h", 3, False), ("a b c d e f g h", 4, True)],
)
def test_a_loop_is_four_rounds_and_24_words_at_least(passage: str, rounds: int, is_loop: bool) -> None:
    assert is_repetitive("so " + f"{passage} " * rounds + "end") is is_loop


@pytest.mark.parametrize(
    ("text", "is_loop"),
    [
        ("好的。" * 12, True),
        ("ดีมาก" * 40, True),
        ("好的。" * 3, False),
        ("|------|------|------|------|", False),
        ("请在此签名：" + "_" * 40, False),
        ("1" + "0" * 40, False),
    ],
)
def test_where_words_are_not_parted_by_blanks_letters_are_counted(text: Any, is_loop: bool) -> None:
    assert is_repetitive(text) is is_loop


def test_passages_of_more_than_60_words_are_no_loop() -> None:
    sixty = " ".join(map(str, range(60)))
    assert is_repetitive(f"{sixty} " * 4)
    assert not is_repetitive(f"{sixty} sixty " * 4)


@given(st.lists(st.integers(-(10**9), 10**9), unique=True, max_size=200))
def test_words_that_all_differ_are_no_loop(words: Any) -> None:
    assert not is_repetitive(" ".join(map(str, words)))
