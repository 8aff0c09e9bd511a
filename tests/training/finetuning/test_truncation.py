import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.training.finetuning.truncation import require_share, truncate_rows

ROWS = [([1, 2], [3, 4, 5]), ([1], [6, 5])]
OWN = [2, 1]  # response tokens; one end token each is on top


def test_rows_that_fit_stay_as_they_are():
    rows, counts = truncate_rows(ROWS, OWN, 5, 0.0)
    assert rows == ROWS
    assert counts == {"rows": 2, "prompt_tokens": 3, "response_tokens": 5, "lost_tokens": 0}


def test_a_response_is_cut_from_its_end_and_the_loss_is_counted():
    rows, counts = truncate_rows(ROWS, OWN, 4, 0.5)
    assert rows[0] == ([1, 2], [3, 4])
    assert counts["lost_tokens"] == 1


def test_losing_more_than_the_share_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"would cut 1 of 5 response tokens.*raise max_length"):
        truncate_rows(ROWS, OWN, 4, 0.1)


def test_the_share_itself_may_be_lost():
    require_share("response tokens", 1, 10, 0.1)
    with pytest.raises(ValueError, match="2 of 10 tokens of the middle band"):
        require_share("tokens of the middle band", 2, 10, 0.1)


def test_a_prompt_that_leaves_no_room_is_refused():
    with pytest.raises(ValueError, match="no response to train on"):
        truncate_rows([([1, 2, 3], [4, 5])], [1], 3, 1.0)


@pytest.mark.parametrize("wrong", [[4, 5], [3, 4, 5, 5]])
def test_a_template_that_takes_from_a_response_or_adds_to_it_is_refused(wrong):
    with pytest.raises(ValueError, match=rf"row 0 would be trained on {len(wrong)} tokens, but its response has 2"):
        truncate_rows([([1, 2], wrong)], [2], 9, 1.0)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(), max_size=4), st.lists(st.integers(), min_size=1, max_size=9)), min_size=1
    ),
    st.integers(5, 20),
)
def test_kept_and_lost_tokens_are_those_selected(rows, length):
    cut, counts = truncate_rows(rows, [len(completion) - 1 for _, completion in rows], length, 1.0)
    assert counts["response_tokens"] + counts["lost_tokens"] == sum(len(response) for _, response in rows)
    assert all(len(prompt) + len(response) <= length for prompt, response in cut)
    assert [prompt for prompt, _ in cut] == [prompt for prompt, _ in rows]
