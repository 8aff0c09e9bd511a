from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.cell.gains import (
    calculate_bits_per_byte,
    calculate_wins_by_reference,
    estimate_bpb_reduction,
    estimate_win_rate,
)


def answers(bits: Any) -> pl.DataFrame:
    return pl.DataFrame({"id": ["a", "b", "c"], "bits": bits, "bytes": [10, 20, 30]})


CANDIDATE, OPPONENT = answers([10.0, 20.0, 30.0]), answers([20.0, 40.0, 60.0])


def test_bits_a_byte_is_a_ratio_of_sums() -> None:
    assert calculate_bits_per_byte(CANDIDATE) == 1.0


def test_the_reduction_is_what_the_candidate_saves_over_the_opponent() -> None:
    assert estimate_bpb_reduction(CANDIDATE, OPPONENT, 1, 100) == (1.0, 1.0, 1.0)


def test_changing_sides_changes_the_sign() -> None:
    mixed = answers([12.0, 50.0, 20.0])
    here, there = estimate_bpb_reduction(CANDIDATE, mixed, 1, 500), estimate_bpb_reduction(mixed, CANDIDATE, 1, 500)
    assert here[0] == pytest.approx(-there[0])
    assert here[1] < here[0] < here[2]


def test_the_same_seed_gives_the_same_interval() -> None:
    mixed = answers([12.0, 50.0, 20.0])
    assert estimate_bpb_reduction(CANDIDATE, mixed, 7, 100) == estimate_bpb_reduction(CANDIDATE, mixed, 7, 100)


def test_prompts_without_a_reference_take_no_part() -> None:
    assert estimate_bpb_reduction(answers([10.0, 20.0, None]), OPPONENT, 1, 10)[0] == 1.0


def verdicts(raws: Any) -> pl.DataFrame:
    return pl.DataFrame({"id": ["a", "b", "c"], "order": 0, "raw": raws}, schema_overrides={"raw": pl.String})


WIN = '{"candidate": 1.0, "opponent": 2.0, "better": "lower"}'
LOSS = '{"candidate": 3.0, "opponent": 2.0, "better": "lower"}'


def test_the_win_rate_is_the_mean_liking_with_an_interval_around_it() -> None:
    rate, low, high = estimate_win_rate(np.array([1.0, 0.0, 0.5, 0.5]), 1, 1000)
    assert (rate, 0 <= low < rate < high <= 1) == (0.5, True)


def test_a_missing_verdict_is_neither_win_nor_tie() -> None:
    prompts = pl.DataFrame({"id": ["a", "b", "c"], "reference": ["x", "x" * 9, "x" * 99]})
    assert calculate_wins_by_reference(verdicts([WIN, None, "?"]), prompts) == {"short": 1.0}


def test_wins_are_split_by_the_length_of_the_reference() -> None:
    prompts = pl.DataFrame({"id": ["a", "b", "c"], "reference": ["é" * 5, "x" * 9, "x" * 99]})
    assert calculate_wins_by_reference(verdicts([WIN, LOSS, WIN]), prompts) == {
        "short": 1.0,
        "medium": 0.0,
        "long": 1.0,
    }


def test_a_win_rate_has_wilsons_interval_where_all_prompts_agree() -> None:
    assert estimate_win_rate(np.ones(10), 1, 100) == pytest.approx((1.0, 0.722, 1.0), abs=5e-4)


def test_the_order_of_the_rows_does_not_change_the_interval() -> None:
    bits = np.random.default_rng(1).random((2, 40))
    ours, theirs = (pl.DataFrame({"id": [f"{at:02}" for at in range(40)], "bits": some, "bytes": 8}) for some in bits)
    assert estimate_bpb_reduction(ours, theirs, 1, 50) == estimate_bpb_reduction(
        ours.reverse(), theirs.reverse(), 1, 50
    )
