"""Files of recorded judgements are read again from the judge's words; without words the record counts."""

import json

import pytest

from m2m.judging.protocols.alpaca_eval import is_candidate_first
from m2m.judging.recorded_judgements import read_alpaca_eval, read_arena_hard

STRAIGHT, SWAPPED = "How do I wrap a present neatly?", "How did US states get their names?"


def completion(**logs: float) -> dict[str, object]:
    tops = [{"token": token, "logprob": log} for token, log in logs.items()]
    return {"finish_reason": "length", "logprobs": {"content": [{"top_logprobs": tops}]}}


def annotation(instruction: str = STRAIGHT, **fields: object) -> dict[str, object]:
    texts = {"instruction": instruction, "output_1": "long answer", "output_2": "short"}
    return texts | {"generator_1": "gpt", "generator_2": "ours"} | fields


def test_the_judges_words_are_turned_back_where_it_saw_the_answers_swapped() -> None:
    assert (is_candidate_first(STRAIGHT), is_candidate_first(SWAPPED)) == (False, True)
    words = completion(M=-0.01, m=-40.0)  # the second one that it saw
    table = read_alpaca_eval([annotation(STRAIGHT, raw_completion=words), annotation(SWAPPED, raw_completion=words)])
    assert table["won"].to_list() == pytest.approx([1, 0])
    assert table["order"].to_list() == [1, 0]
    assert table["surplus"].to_list() == [6, 6]


def test_words_may_be_an_object_or_its_text() -> None:
    words = completion(M=-1.0, m=-2.0)
    pair = [annotation(raw_completion=words), annotation(raw_completion=json.dumps(words))]
    one, other = read_alpaca_eval(pair)["won"]
    assert one == other != 0.5


@pytest.mark.parametrize("words", [None, "null", "M", completion(The=-0.1), {"logprobs": None}])
def test_without_readable_words_the_recorded_preference_is_kept_and_counted(words: object) -> None:
    row = read_alpaca_eval([annotation(preference=1.75, raw_completion=words)]).row(0, named=True)
    assert (row["won"], row["kept"], row["differs"]) == (0.75, True, False)


@pytest.mark.parametrize("preference", [None, float("nan"), 7, -1, "2", True])
def test_without_words_and_without_a_preference_there_is_no_verdict(preference: object) -> None:
    row = read_alpaca_eval([annotation(preference=preference)]).row(0, named=True)
    assert (row["won"], row["kept"]) == (None, False)


def test_a_record_that_says_other_than_its_words_is_marked() -> None:
    words = completion(M=-0.01, m=-40.0)
    table = read_alpaca_eval([annotation(raw_completion=words, preference=p) for p in (2.0, 1.0)])
    assert table["differs"].to_list() == [False, True]
    assert table["won"].to_list() == pytest.approx([1, 1])


@pytest.mark.parametrize("record", [None, 3, [], {}, {"instruction": "?"}, annotation(output_2=None)])
def test_a_record_without_the_texts_is_no_judgement(record: object) -> None:
    assert read_alpaca_eval([record]).is_empty()


def battle(first: object, second: object) -> dict[str, object]:
    return {"uid": "q", "model": "ours", "games": [first, second]}


def test_the_model_is_b_in_the_first_game_and_a_in_the_second() -> None:
    games = [{"judgment": "[[B>>A]]", "score": "B>>A"}, {"judgment": {"answer": "[[A>B]] no, [[B>A]]"}, "score": "B>A"}]
    rows = read_arena_hard([battle(*games)]).select("order", "won", "weight", "kept", "differs").rows()
    assert rows == [(1, 1.0, 3, False, False), (0, 0.0, 1, False, False)]


def test_a_battle_without_words_keeps_its_score_and_one_without_either_is_missing() -> None:
    games = [{"judgment": None, "score": "A>>B"}, {"judgment": "I cannot say", "score": None}]
    rows = read_arena_hard([battle(*games)]).select("won", "weight", "kept").rows()
    assert rows == [(0.0, 3, True), (None, 1, False)]


@pytest.mark.parametrize("record", [None, {}, {"games": None}, {"games": ["x"]}, {"games": []}])
def test_a_record_without_games_has_none(record: object) -> None:
    assert read_arena_hard([record]).is_empty()
