"""The table of the real pool, on a pool of forty rows whose numbers are known."""

import numpy as np
import polars as pl
import pytest

from bench.chosen import Condition, Pool, numbers, rise_rows, subset_rows, unit_rows
from bench.paper import band_rows, micro, places
from bench.pool import spelt

ROWS = 40


@pytest.fixture
def pool() -> Pool:
    """Row i has i + 1 tokens of its own type, and i % 5 as unit of either strategy."""
    ids = pl.Series("id", [f"{row:02}" for row in range(ROWS)])
    units = pl.DataFrame([ids, pl.Series("unit", [str(row % 5) for row in range(ROWS)])])
    said = spelt([[row] * (row + 1) for row in range(ROWS)])
    return Pool(ids, said, np.arange(ROWS) < 10, {"response-macro": units, "response-micro": units})


def test_numbers_are_of_the_chosen_rows(pool: Pool) -> None:
    assert numbers(pool, np.array([1, 3])) == {
        "rows": 2,
        "mean_response_tokens": 3.0,
        "response_token_entropy": pytest.approx(np.log2(3) - 2 / 3),
        "mid_types": 2,
    }


def test_every_strategy_stands_at_every_degree_and_rivals_once(pool: Pool) -> None:
    rows = list(subset_rows(pool, Condition("rows", "inverse", 8, (1, 1000)), np.arange(8)))
    count = pl.DataFrame(rows, infer_schema_length=None).group_by("strategy").len()
    assert dict(count.iter_rows()) == {
        "response-macro": 7, "response-micro": 7, "length-matched": 7, "random": 1, "token-entropy": 1, "k-center": 1
    }  # fmt: skip
    assert {row["rows"] for row in rows} == {8}


def test_matched_rows_are_as_long_as_those_that_they_are_matched_to(pool: Pool) -> None:
    rows = list(subset_rows(pool, Condition("tokens", "inverse", 200, (5, 30)), None))
    lengths = {
        name: [row["mean_response_tokens"] for row in rows if row["strategy"] == name]
        for name in ("response-micro", "length-matched")
    }
    assert lengths["response-micro"] == lengths["length-matched"]
    assert "k-center" not in {row["strategy"] for row in rows}


def test_k_min_is_the_fewest_units_that_hold_what_is_needed(pool: Pool) -> None:
    told = unit_rows(pool, (8, 16))[:2]
    assert [(row["k_min"], row["k_max"], row["rows_at_k_min"]) for row in told] == [(2, 5, 16), (3, 5, 24)]
    assert told[0]["units_a_row"] == 1
    assert told[0]["rows_without_unit"] == 0


def test_what_is_left_of_a_rise_is_what_matched_rows_do_not_gain() -> None:
    rows = [
        {"name": "rows", "weights": "inverse", "strategy": name, "degree": degree, "mean_response_tokens": 50 + degree,
         "response_token_entropy": slope * degree, "mid_types": 3}
        for name, slope in (("response-micro", 1.0), ("length-matched", 0.25), ("random", 9.0))
        for degree in range(7)
    ]  # fmt: skip
    told = {row["figure"]: row for row in rise_rows(pl.DataFrame(rows))}
    assert (told["response_token_entropy"]["rise"], told["response_token_entropy"]["left"]) == (6.0, 4.5)
    assert told["response_token_entropy"]["steps_up"] == 6
    assert (told["mean_response_tokens"]["left"], told["mid_types"]["steps_up"]) == (0, 0)


def test_bands_count_types_and_occurrences() -> None:
    said = spelt([[0] * 9, [1] * 10, [1, 2, 3] + [2] * 600])
    found = micro(pl.Series("id", ["a", "b", "c"]), said)
    rows = {row["band"]: row for row in band_rows("toy", "response", found, 3)}
    assert {band: (row["types"], row["occurrences"]) for band, row in rows.items()} == {
        "low": (2, 10), "mid": (1, 11), "high": (1, 601)
    }  # fmt: skip
    assert (rows["mid"]["types_a_text"], rows["mid"]["texts_without"]) == (2 / 3, 1)


def test_a_subset_made_elsewhere_is_found_in_the_pool_in_its_order() -> None:
    ids = pl.Series(["a", "b", "d"])
    assert places(ids, pl.Series(["d", "a"])).tolist() == [2, 0]
    for stranger in ("c", "e"):
        with pytest.raises(ValueError, match="a subset must be of this pool"):
            places(ids, pl.Series([stranger]))
