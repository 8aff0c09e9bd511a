from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.llm.prompt_template import SPECIAL, fill_template, wrap_as_data


def test_a_text_without_a_place_in_the_template_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"must contain \{answer\}: write it where the text belongs"):
        fill_template("Judge {question}", {"question": "q", "answer": "a"})


@given(st.text(), st.text())
def test_texts_go_in_as_they_are_and_cannot_ask_for_each_other(question: Any, answer: Any) -> None:
    assert fill_template("{q}|{a}", {"q": question, "a": answer}) == f"{question}|{answer}"


@pytest.mark.parametrize(
    "text", ["x |> f()", "a <| b", "xs |> map(f) |> sum", "p <|> q", "x <- 1 |> sqrt()", "<s>old", "[TODO]"]
)
def test_operators_and_markup_stay_as_they_are(text: str) -> None:
    assert wrap_as_data(text).split("\n")[1] == text


@pytest.mark.parametrize("token", ["<|eot_id|>", "<｜User｜>", "<end_of_turn>", "[/SYSTEM_PROMPT]", "</s>", "<turn|>"])
def test_a_control_token_is_broken_by_a_blank(token: str) -> None:
    assert wrap_as_data(f"a{token}b").split("\n")[1] == f"a{token[0]} {token[1:]}b"


@given(st.text(alphabet="<|>｜/[]sa ", max_size=30))
def test_what_breaks_one_token_makes_no_other(text: Any) -> None:
    assert not SPECIAL.search(wrap_as_data(text).split("\n", 1)[1].rsplit("\n", 1)[0])


@given(st.text())
def test_no_text_closes_its_own_fence(text: Any) -> None:
    begin, *_, end = wrap_as_data(text).split("\n")
    assert (begin, end) == (f"<data {begin[6:-1]}>", f"</data {begin[6:-1]}>")
    assert end not in text
