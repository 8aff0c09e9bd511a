"""Lengths, bands and sources of toys whose numbers are known."""

import numpy as np
import polars as pl

from m2m.export.pool_numbers import OTHER_SOURCES, compare_shares, count_band_tokens, summarize_lengths

POOL = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d"],
        "source": ["x", "x", "x", "y"],
        "tokens": [0, 1, 6, 7],
        "low": [0, 1, 0, 0],
        "mid": [0, 0, 2, 1],
        "high": [0, 0, 4, 6],
    }
)
SUBSETS = {"random": pl.DataFrame({"id": ["a", "d"]}), "degree 0": pl.DataFrame({"id": ["c", "d"]})}


def test_a_row_counts_its_tokens_by_band() -> None:
    counts = count_band_tokens(np.array([2, 2, 0, 1], np.int32), np.array([0, 3, 3, 4]), np.array([0, 1, 2]))
    assert counts.to_dict(as_series=False) == {"low": [1, 0, 0], "mid": [0, 0, 1], "high": [2, 0, 0]}


def test_a_subset_has_its_rows_lengths_and_what_it_shares_with_random() -> None:
    assert summarize_lengths(POOL, SUBSETS, "random").rows() == [
        ("pool", 4, 3.5, 3.5, None),
        ("random", 2, 3.5, 3.5, None),
        ("degree 0", 2, 6.5, 6.5, 1),
    ]


def test_without_a_reference_nothing_is_shared() -> None:
    assert summarize_lengths(POOL, SUBSETS, None).columns == ["subset", "rows", "mean tokens", "median tokens"]


def test_lengths_bands_and_sources_are_shares() -> None:
    lengths, bands, sources = compare_shares(POOL, SUBSETS)
    assert lengths.categories == ["0", "1", "2–3", "4–7"]
    assert lengths.shares == {"pool": [0.25, 0.25, 0, 0.5], "random": [0.5, 0, 0, 0.5], "degree 0": [0, 0, 0, 1]}
    assert bands.shares["pool"] == [0.07143, 0.21429, 0.71429]
    assert bands.shares["degree 0"] == [0, 0.23077, 0.76923]
    assert sources.categories == ["x", "y"]
    assert sources.shares == {"pool": [0.75, 0.25], "random": [0.5, 0.5], "degree 0": [0.5, 0.5]}


def test_the_smallest_of_many_sources_are_one_bar() -> None:
    sources = [f"s{number:02}" for number in range(20) for _ in range(20 - number)]
    pool = pl.DataFrame({"id": [str(row) for row in range(210)], "source": sources, "tokens": 1})
    part = compare_shares(pool, {})[-1]
    assert part.categories == [*(f"s{number:02}" for number in range(12)), OTHER_SOURCES]
    assert part.shares["pool"][-1] == round(sum(range(1, 9)) / 210, 5)


def test_a_pool_without_bands_and_an_empty_subset_have_charts() -> None:
    lengths, sources = compare_shares(
        POOL.drop("low", "mid", "high"), {"none": pl.DataFrame({"id": []}, {"id": pl.String})}
    )
    assert lengths.shares["none"] == [0, 0, 0, 0] and sources.shares["none"] == [0, 0]
