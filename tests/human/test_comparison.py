"""Every number of the report on people and judge, from ratings and verdicts whose numbers are known."""

import json

import numpy as np
import polars as pl
import pytest

from m2m.human.comparison import compare_with_judge, compare_with_people, warn_of_rare_side
from m2m.human.judge_shares import share_by_prompt
from m2m.human.sheet import KeyPair, Model, SheetKey

PAIRS = [KeyPair(item=item, id=f"p{item}", first_is_left=True) for item in range(1, 7)]
MODELS = {"first": Model(name="Alpha", answers="a" * 32), "second": Model(name="Beta", answers="b" * 32)}
KEY = SheetKey(sheet="0" * 16, identical=["q1", "q2"], different=12, likelihood={}, pairs=PAIRS, **MODELS)
TABLE = np.array([[1, 1, 0, 0.5, 0, np.nan], [1, 0, 0, 0.5, np.nan, np.nan]])


def make_verdicts(wins: dict[str, bool]) -> pl.DataFrame:
    raw = [json.dumps({"candidate": 1, "opponent": 2, "better": "lower" if won else "higher"}) for won in wins.values()]
    columns = {"id": list(wins), "benchmark": "b", "opponent": "opponent", "engine": "likelihood", "order": 0}
    return pl.DataFrame(columns | {"repeat": 0, "raw": raw}).sort("id")


def test_people_alone() -> None:
    lines = compare_with_people(KEY, ["A", "B"], TABLE, 1)
    assert lines[0] == "raters       2: A, B"
    assert lines[1] == "pairs        5 of 6 rated; 2 prompts with equal answers count as ties"
    # observed (1 − 0)² · 2 / 8, expected 24 / 56: 1 − 0.25 / 0.4286
    assert lines[2].startswith("agreement    Krippendorff's alpha between raters 0.42, 95 % CI ")
    # labels 1, 0.5, 0, 0.5, 0 have mean 0.4; 12 of 14 prompts differ: 0.4 · 12 / 14 + 0.5 · 2 / 14
    assert lines[3].startswith("  warning    4 pairs with two ratings are few: ")
    assert lines[4].startswith("people       Alpha wins 41.4 % against Beta, 95 % CI ")
    assert lines[5].startswith("  warning    the rarer side has 2 labels: below 10 the interval is wide")


def test_eight_wins_of_eight_are_no_proof() -> None:
    pairs = [KeyPair(item=item, id=f"p{item}", first_is_left=True) for item in range(1, 9)]
    key = SheetKey(sheet="0" * 16, identical=[], different=100, likelihood={}, pairs=pairs, **MODELS)
    lines = compare_with_people(key, ["A"], np.ones((1, 8)), 1)
    assert lines[3] == "people       Alpha wins 100.0 % against Beta, 95 % CI 56.8 to 100.0"
    assert lines[4].startswith("  warning    the rarer side has 0 labels: ")


@pytest.mark.parametrize(("labels", "rarer"), [([1.0] * 60, 0), ([1.0] * 60 + [0.0] * 9 + [0.5], 9.5)])
def test_the_rarer_side_counts_and_not_the_labels(labels: list[float], rarer: float) -> None:
    assert warn_of_rare_side(np.array(labels))[0].startswith(f"  warning    the rarer side has {rarer:g} labels: ")


def test_ten_labels_of_the_rarer_side_are_enough() -> None:
    assert warn_of_rare_side(np.repeat([1.0, 0.0], 10)) == warn_of_rare_side(np.full(20, 0.5)) == []


def test_the_judge_beside_people() -> None:
    wins = {"p1": True, "p2": True, "p3": False, "p4": True, "p5": True} | {f"r{row}": row < 3 for row in range(6)}
    shares = share_by_prompt(make_verdicts(wins | {"q1": True}), "likelihood")
    lines = compare_with_judge(KEY, TABLE, shares, "likelihood", 1)
    assert lines[0] == "likelihood"
    assert lines[1].endswith("same winner in 2 of 3 pairs without a tie")
    # 4 of 5 and 3 of 6 wins, and two ties: 8 / 13
    assert lines[2] == "  judge      61.5 %, as it stands, equal answers counted as ties, over 13 prompts"
    assert lines[3].startswith("  corrected  Alpha wins ") and "weight of the judge 0." in lines[3]
    assert lines[4].startswith("  people     Alpha wins 41.4 % against Beta") and lines[4].endswith("% narrower")
    assert lines[5].startswith("  warning    the rarer side has 2 labels: ")


def test_without_equal_answers_the_judge_s_rate_is_its_own() -> None:
    key = KEY.model_copy(update={"identical": []})
    lines = compare_with_judge(key, TABLE, {"p1": 1.0, "p2": 1.0, "p3": 0.0, "p4": 1.0}, "likelihood", 1)
    assert lines[2] == "  judge      75.0 %, as it stands, over 4 prompts"


def test_a_judge_of_other_prompts_is_refused() -> None:
    with pytest.raises(ValueError, match="likelihood judged 1 of the rated pairs, at least 2 are needed"):
        compare_with_judge(KEY, TABLE, {"p1": 1.0, "r1": 1.0}, "likelihood", 1)
