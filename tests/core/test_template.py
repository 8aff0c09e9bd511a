import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.core import template
from stages.core.template import fenced, filled


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(template).failed == 0


def test_a_text_without_a_place_in_the_template_is_one_sentence():
    with pytest.raises(ValueError, match=r"no place for \['answer'\]: write \{answer\} where it belongs"):
        filled("Judge {question}", {"question": "q", "answer": "a"})


@given(st.text(), st.text())
def test_texts_go_in_as_they_are_and_cannot_ask_for_each_other(question, answer):
    assert filled("{q}|{a}", {"q": question, "a": answer}) == f"{question}|{answer}"


@given(st.text())
def test_no_text_closes_its_own_fence(text):
    begin, *_, end = fenced(text).split("\n")
    assert (begin, end) == (f"<data {begin[6:-1]}>", f"</data {begin[6:-1]}>")
    assert end not in text
