import polars as pl
import pytest

from m2m.data.responses import RowReply, replace_responses

POOL = pl.DataFrame(
    {"id": ["a", "b", "c"], "source": "s", "instruction": ["1?", "2?", "3?"], "response": ["x", "y", "z"]}
)


def test_a_new_response_stands_beside_the_old_one_and_the_others_are_left_out_with_their_reason():
    said = [RowReply(" one\n", "stop", ""), RowReply("tw", "length", ""), RowReply("", "", "too long")]
    pairs, rest = replace_responses(POOL, said)
    assert pairs.columns == ["id", "source", "instruction", "response", "original"]
    assert pairs.rows() == [("a", "s", "1?", "one", "x")]
    assert rest.rows() == [("b", "truncated", "tw"), ("c", "too long", "")]


def test_no_response_at_all_is_one_sentence():
    with pytest.raises(ValueError, match="no row got a response that can be used: 2 empty, 1 truncated; see to"):
        replace_responses(POOL, [RowReply("", "stop", ""), RowReply(" ", "stop", ""), RowReply("x", "length", "")])
