"""Files of recorded judgements are read again from the judge's words; without words the record counts."""

import json
from typing import Any

import pytest

from m2m.judging.protocols.alpaca_eval import is_candidate_first
from m2m.judging.recorded_judgements import (
    GROUP,
    count_judgements,
    name_missing_fields,
    read_alpaca_eval,
    read_arena_hard,
    read_games,
)

STRAIGHT, SWAPPED = "How do I wrap a present neatly?", "How did US states get their names?"


def completion(**logs: float) -> dict[str, Any]:
    tops = [{"token": token, "logprob": log} for token, log in logs.items()]
    return {"finish_reason": "length", "logprobs": {"content": [{"top_logprobs": tops}]}}


def annotation(instruction: str = STRAIGHT, **fields: Any) -> dict[str, Any]:
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
def test_without_readable_words_the_recorded_preference_is_kept_and_counted(words: Any) -> None:
    row = read_alpaca_eval([annotation(preference=1.75, raw_completion=words)]).row(0, named=True)
    assert (row["won"], row["kept"], row["differs"]) == (0.75, True, False)


@pytest.mark.parametrize("preference", [None, float("nan"), 7, -1, "2", True])
def test_without_words_and_without_a_preference_there_is_no_verdict(preference: Any) -> None:
    row = read_alpaca_eval([annotation(preference=preference)]).row(0, named=True)
    assert (row["won"], row["kept"]) == (None, False)


def test_a_record_that_says_other_than_its_words_is_marked() -> None:
    words = completion(M=-0.01, m=-40.0)
    table = read_alpaca_eval([annotation(raw_completion=words, preference=p) for p in (2.0, 1.0)])
    assert table["differs"].to_list() == [False, True]
    assert table["won"].to_list() == pytest.approx([1, 1])


@pytest.mark.parametrize("record", [None, 3, [], {}, {"instruction": "?"}, annotation(output_2=None)])
def test_a_record_without_the_texts_is_no_judgement(record: Any) -> None:
    assert read_alpaca_eval([record]).is_empty()


def battle(*games: Any, version: int = 1) -> dict[str, Any]:
    """A record of version 1, or of version 2, which has a uid."""
    return {"question_id" if version == 1 else "uid": "q", "model": "ours", "games": list(games)}


def test_the_model_is_b_in_the_first_game_and_a_in_the_second() -> None:
    games = [{"judgment": "[[B>>A]]", "score": "B>>A"}, {"judgment": {"answer": "[[A>B]] no, [[B>A]]"}, "score": "B>A"}]
    rows = read_arena_hard([battle(*games)]).select("order", "won", "weight", "kept", "differs").rows()
    assert rows == [(1, 1.0, 3, False, False), (0, 0.0, 1, False, False)]


def test_a_battle_without_words_keeps_its_score_and_one_without_either_is_missing() -> None:
    games = [{"judgment": None, "score": "A>>B"}, {"judgment": "I cannot say", "score": None}]
    rows = read_arena_hard([battle(*games)]).select("won", "weight", "kept").rows()
    assert rows == [(0.0, 3, True), (None, 1, False)]


@pytest.mark.parametrize("record", [None, {}, {"games": None}, {"games": ["x"]}, {"games": []}])
def test_a_record_without_games_has_none(record: Any) -> None:
    assert read_arena_hard([record]).is_empty()


LABELLED = {"judgment": "[[B>>A]]", "score": "B>>A"}
NO_VERDICT = [None, {"judgment": "I cannot say", "score": None}, {"judgment": None}, {"judgment": "[[A>>C]]"}]


@pytest.mark.parametrize("game", NO_VERDICT)
def test_in_version_1_a_game_without_a_verdict_is_missing_and_the_other_counts(game: Any) -> None:
    assert read_arena_hard([battle(LABELLED, game)])["won"].to_list() == [1.0, None]


@pytest.mark.parametrize("game", NO_VERDICT)
def test_in_version_2_a_game_without_a_verdict_takes_its_pair_along(game: Any) -> None:
    for games in ([LABELLED, game], [game, LABELLED]):
        table = read_arena_hard([battle(*games, version=2)])
        assert table["won"].to_list() == [None, None]
        assert table["pair_null"].to_list() == [played is LABELLED for played in games]


def test_in_version_2_a_single_game_is_no_pair() -> None:
    assert read_arena_hard([battle(LABELLED, version=2)])["won"].to_list() == [None]


@pytest.mark.parametrize("reply", ["[[A>B]] … no: [[B>>A]]", "[[A>B]]", {"answer": "[[A=B]]"}])
def test_a_verdict_recorded_as_null_is_missing_and_counted(reply: Any) -> None:
    (row,) = read_arena_hard([battle({"judgment": reply, "score": None})]).rows(named=True)
    assert (row["won"], row["recorded_null"]) == (None, True)


@pytest.mark.parametrize("null", [None, float("nan")])
def test_a_preference_recorded_as_null_is_missing_and_counted(null: Any) -> None:
    table = read_alpaca_eval([annotation(raw_completion=completion(M=-0.1), preference=null)])
    assert table.select("won", "recorded_null").row(0) == (None, True)


def test_games_bear_the_judge_the_baseline_and_the_category() -> None:
    table = read_alpaca_eval([annotation(annotator="gpt-judge", preference=2)])
    assert table.select(GROUP).row(0) == ("ours", "gpt-judge", "gpt", "")
    record = battle(LABELLED, LABELLED, version=2) | {"judge": "j", "category": "hard_prompt", "baseline": "o3"}
    assert set(read_arena_hard([record]).select(GROUP).rows()) == {("ours", "j", "o3", "hard_prompt")}


def test_two_runs_of_one_judge_in_one_file_are_refused() -> None:
    runs = [annotation(preference=preference) for preference in (1.2, 1.8)]
    with pytest.raises(ValueError, match=r"1 of 1 prompts have several verdicts of one model, judge and order"):
        read_games("alpaca-eval", runs)
    twice = [battle(LABELLED, LABELLED), battle(LABELLED, LABELLED)]
    with pytest.raises(ValueError, match=r"several verdicts .* such as 'q'\. Give the records of one run only"):
        read_games("arena-hard", twice)


def test_two_judges_models_or_categories_in_one_file_are_several_groups() -> None:
    judges = [annotation(annotator=name, preference=2) for name in ("a", "b")]
    models = [annotation(generator_2=name, preference=2) for name in ("a", "b")]
    assert read_games("alpaca-eval", judges).select(GROUP).n_unique() == 2
    assert read_games("alpaca-eval", models).select(GROUP).n_unique() == 2
    battles = [battle(LABELLED, LABELLED, version=2) | {"category": name} for name in ("hard", "creative")]
    games = read_games("arena-hard", battles)
    assert games.select(GROUP).n_unique() == count_judgements(games) == 2


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([{"question_id": 81, "judgment": "Rating: [[7]]"}], "the first record has question_id, judgment"),
        ([{"model_1": "a", "g1_winner": "tie"}], "the first record has model_1, g1_winner"),
        ([3, None], "the first record has no fields"),
    ],
)
def test_records_of_another_benchmark_are_named_by_their_fields(records: list[Any], reason: str) -> None:
    assert name_missing_fields("arena-hard", records) == f"a record needs games; {reason}"
