"""Every number of the report on people and judge, from ratings and verdicts whose numbers are known."""

import json

import numpy as np
import polars as pl
import pytest

from m2m.human.comparison import compare_with_judge, compare_with_people, describe_widths, warn_of_rare_side
from m2m.human.corrected_rate import Rate
from m2m.human.judge_shares import share_by_prompt
from m2m.human.sheet import KeyPair, Model, SheetKey

PAIRS = [KeyPair(item=item, id=f"p{item}", first_is_left=True) for item in range(1, 7)]
MODELS = {"first": Model(name="Alpha", answers="a" * 32), "second": Model(name="Beta", answers="b" * 32)}
KEY = SheetKey(sheet="0" * 16, identical=["q1", "q2"], different=12, likelihood={}, pairs=PAIRS, **MODELS)
NO_INTERVAL = "no 95 % CI: it needs 8 pairs with two ratings"
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
    assert lines[2] == f"agreement    Krippendorff's alpha between raters 0.42, {NO_INTERVAL}, got 4"
    # labels 1, 0.5, 0, 0.5, 0 have mean 0.4; 12 of 14 prompts differ: 0.4 · 12 / 14 + 0.5 · 2 / 14
    assert lines[3].startswith("people       Alpha wins 41.4 % against Beta, 95 % CI ")
    assert lines[4].startswith("  warning    the rarer side has 2 labels: below 10 the interval is wide")


def test_few_pairs_with_two_ratings_have_an_interval_and_a_warning() -> None:
    pairs = [KeyPair(item=item, id=f"p{item}", first_is_left=True) for item in range(1, 9)]
    table = np.array([[1.0, 0] * 4, [0.0, 1] * 3 + [1, 0]])
    lines = compare_with_people(KEY.model_copy(update={"pairs": pairs}), ["A", "B"], table, 1)
    # observed 6 · 2 / 16, expected 2 · 8 · 8 / 240 = 128 / 240: 1 − 0.75 / 0.5333
    assert lines[2].startswith("agreement    Krippendorff's alpha between raters −0.41, 95 % CI −0.")
    assert lines[3].startswith("  warning    8 pairs with two ratings are few: ")


def test_a_model_that_left_prompts_out_is_named() -> None:
    """Of 12 + 2 prompts that both answered, and the 3 that one of them left out."""
    second = MODELS["second"].model_copy(update={"unanswered": ["x", "y", "z"]})
    lines = compare_with_people(KEY.model_copy(update={"second": second}), ["A", "B"], TABLE, 1)
    assert lines[2] == "left out     3 of 17 prompts have no answer of Beta"


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
    assert lines[1].endswith(f"{NO_INTERVAL}, got 5; same winner in 2 of 3 pairs without a tie")
    # 4 of 5 and 3 of 6 wins; 2 of 14 prompts are ties, whatever the judge judged: 7 / 11 · 12 / 14 + 0.5 · 2 / 14
    ties = "2 of 14 prompts have equal answers and count as ties"
    assert lines[2] == f"  judge      61.7 %, as it stands, over 11 judged prompts; {ties}"
    assert lines[3].startswith("  corrected  Alpha wins ") and "weight of the judge 0." in lines[3]
    assert lines[4].startswith("  people     Alpha wins 41.4 % against Beta")
    assert lines[4].endswith("the corrected interval is 22 % wider")
    assert lines[5].startswith("  warning    the rarer side has 2 labels: ")


def test_without_equal_answers_the_judge_s_rate_is_its_own() -> None:
    key = KEY.model_copy(update={"identical": []})
    lines = compare_with_judge(key, TABLE, {"p1": 1.0, "p2": 1.0, "p3": 0.0, "p4": 1.0}, "likelihood", 1)
    assert lines[2] == "  judge      75.0 %, as it stands, over 4 judged prompts"


def test_a_judge_of_a_tenth_of_the_prompts_does_not_change_the_share_of_ties() -> None:
    """It and people prefer the first model everywhere: 100 different prompts and 100 ties are 75 % for both."""
    key = KEY.model_copy(update={"identical": [f"q{row}" for row in range(100)], "different": 100})
    lines = compare_with_judge(key, np.ones((1, 6)), {f"p{row}": 1.0 for row in range(1, 11)}, "likelihood", 1)
    assert lines[2].startswith(
        "  judge      75.0 %, as it stands, over 10 judged prompts; 100 of 200 prompts have equal"
    )
    assert lines[3].startswith("  corrected  Alpha wins 75.0 %")


@pytest.mark.parametrize(
    ("high", "words"), [(0.6, "50 % narrower"), (0.7, "as wide"), (0.701, "as wide"), (0.9, "100 % wider")]
)
def test_the_corrected_interval_is_narrower_as_wide_or_wider(high: float, words: str) -> None:
    assert describe_widths(Rate(0.5, 0.5, high), Rate(0.5, 0.5, 0.7)) == f"the corrected interval is {words}"


def test_a_judge_of_other_prompts_has_a_line_that_says_so() -> None:
    """Five pairs are rated, of which it judged one."""
    lines = compare_with_judge(KEY, TABLE, {"p1": 1.0, "r1": 1.0}, "likelihood", 1)
    assert lines[0] == "likelihood" and len(lines) == 2
    assert lines[1].startswith("  warning    it judged 1 of the 5 rated pairs, and a comparison needs 2: ")
