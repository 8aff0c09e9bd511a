from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.training.finetuning.truncation import find_trainable_rows, require_share, truncate_rows

ROWS = [([1, 2], [3, 4, 5]), ([1], [6, 5])]
OWN = [2, 1]  # response tokens; one end token each is on top


def test_rows_that_fit_stay_as_they_are() -> None:
    rows, counts = truncate_rows(ROWS, OWN, 5, 0.0)
    assert rows == ROWS
    assert counts == {"rows": 2, "prompt_tokens": 3, "response_tokens": 5, "lost_tokens": 0}


def test_a_response_is_cut_from_its_end_and_the_loss_is_counted() -> None:
    rows, counts = truncate_rows(ROWS, OWN, 4, 0.5)
    assert rows[0] == ([1, 2], [3, 4])
    assert counts["lost_tokens"] == 1


def test_losing_more_than_the_share_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"would cut 1 of 5 response tokens.*raise max_length"):
        truncate_rows(ROWS, OWN, 4, 0.1)


def test_the_share_itself_may_be_lost() -> None:
    require_share("response tokens", 1, 10, 0.1)
    with pytest.raises(ValueError, match="2 of 10 tokens of the middle band"):
        require_share("tokens of the middle band", 2, 10, 0.1)


PROMPTS = [[1], [1, 2, 3], [1, 2], [1, 2, 3, 4]]


def test_prompts_that_leave_no_room_are_named_with_their_tokens_and_the_remedy() -> None:
    expected = (
        r"the prompts of 2 of 4 rows leave no response token within finetune\.max_length 3: b \(3 tokens\), "
        r"d \(4 tokens\)\. Raise finetune\.max_length, or set finetune\.long_prompts to drop"
    )
    with pytest.raises(ValueError, match=expected):
        find_trainable_rows("abcd", PROMPTS, 3, "error")


def test_only_a_setting_drops_rows_and_the_sentence_names_them() -> None:
    rows, sentence = find_trainable_rows("abcd", PROMPTS, 3, "drop")
    assert rows == [0, 2]
    assert sentence.endswith("max_length 3: b (3 tokens), d (4 tokens)")


@pytest.mark.parametrize("long_prompts", ["error", "drop"])
def test_prompts_with_room_for_one_token_all_stay(long_prompts: Any) -> None:
    assert find_trainable_rows("abcd", PROMPTS, 5, long_prompts) == ([0, 1, 2, 3], "")


def test_a_subset_of_long_prompts_alone_is_refused_and_names_five() -> None:
    with pytest.raises(ValueError, match=r"of 7 of 7 rows .*: a .*, e \(9 tokens\) and 2 more"):
        find_trainable_rows("abcdefg", [[0] * 9] * 7, 9, "drop")


@pytest.mark.parametrize("wrong", [[4, 5], [3, 4, 5, 5]])
def test_a_template_that_takes_from_a_response_or_adds_to_it_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=rf"row 0 would be trained on {len(wrong)} tokens, but its response has 2"):
        truncate_rows([([1, 2], wrong)], [2], 9, 1.0)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(), max_size=4), st.lists(st.integers(), min_size=1, max_size=9)), min_size=1
    ),
    st.integers(5, 20),
)
def test_kept_and_lost_tokens_are_those_selected(rows: Any, length: Any) -> None:
    truncated, counts = truncate_rows(rows, [len(completion) - 1 for _, completion in rows], length, 1.0)
    assert counts["response_tokens"] + counts["lost_tokens"] == sum(len(response) for _, response in rows)
    assert all(len(prompt) + len(response) <= length for prompt, response in truncated)
    assert [prompt for prompt, _ in truncated] == [prompt for prompt, _ in rows]
