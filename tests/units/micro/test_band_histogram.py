from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from m2m.schemas.histogram import Histogram
from m2m.units.micro.band_histogram import build_histogram, pick_examples

LOW, HIGH = 10, 500


def bands(counts: Any) -> pl.DataFrame:
    names = ["low" if count < LOW else "mid" if count <= HIGH else "high" for count in counts]
    tokens = [f"w{at}" for at in range(len(counts))]
    return pl.DataFrame(
        {"token": tokens, "text": tokens, "count": counts, "band": names}, schema_overrides={"count": pl.Int64}
    )


def test_bins_double_and_split_at_the_thresholds() -> None:
    found = build_histogram(bands([1, 2, 3, 8, 9, 10, 15, 500, 501]))
    assert found.rows() == [
        ("low", 1, 1, 1), ("low", 2, 2, 5), ("low", 8, 2, 17), ("mid", 10, 2, 25), ("mid", 500, 1, 500),
        ("high", 501, 1, 501),
    ]  # fmt: skip


@given(st.lists(st.integers(1, 10_000), min_size=1))
def test_no_type_and_no_occurrence_is_lost(counts: Any) -> None:
    found = Histogram.validate(build_histogram(bands(counts)))
    assert found["types"].sum() == len(counts)
    assert found["occurrences"].sum() == sum(counts)


def test_examples_are_words_that_a_person_can_read() -> None:
    table = bands([20, 30, 40]).with_columns(text=pl.Series(["\ufffd", " model", "\n"]))
    assert pick_examples(table) == {"low": [], "mid": ["model"], "high": []}
