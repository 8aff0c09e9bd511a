"""Examples of a target: rows of its package that are in no pool, on the pool's side of the split, one an object."""

from typing import Any

import polars as pl
import pytest

from bench.target_examples import SOURCE, list_spare_rows, pick_examples
from m2m.data.pool.pool import split_candidates
from m2m.data.records.cleaning import tabulate_texts

INGEST: dict[str, Any] = {
    "seed": 1,
    "heldout_share": 0.3,
    "min_chars": 5,
    "max_chars": 100,
    "near_duplicates": "keep",
}
OBJECTS = 40


@pytest.fixture
def rows() -> pl.DataFrame:
    """Two questions on each object; even objects are of scipy, odd ones of numpy."""
    names = [f"{('scipy', 'numpy')[number % 2]}.part.f{number}" for number in range(OBJECTS)]
    records = [
        (SOURCE, 2 * number + side, 0, name, f"What {side} of {name}?", f"answer {side} of {name}", None)
        for number, name in enumerate(names)
        for side in (0, 1)
    ]
    return tabulate_texts(records)


def test_spare_rows_are_neither_in_the_pool_nor_of_a_held_out_object(rows: pl.DataFrame) -> None:
    limited = split_candidates(rows, set(), {SOURCE: 30}, **INGEST)
    spare = list_spare_rows(rows, limited.pool, INGEST)
    whole = split_candidates(rows, set(), {SOURCE: None}, **INGEST)
    held = set(whole.heldout["instruction"].str.extract(r"of (.*)\?"))
    assert spare.height == whole.pool.height - limited.pool.height > 0
    assert not set(spare["id"]) & {*limited.pool["id"], *whole.heldout["id"]}
    assert held and not set(spare["group"]) & held


def test_a_pool_of_other_settings_is_refused(rows: pl.DataFrame) -> None:
    pool = split_candidates(rows, set(), {SOURCE: 30}, **INGEST).pool
    with pytest.raises(ValueError, match="1 rows of the pool are not made of these settings and packages: run dvc rep"):
        list_spare_rows(
            rows, pool.with_columns(id=pl.when(pl.arange(pl.len()) == 0).then(pl.lit("x")).otherwise("id")), INGEST
        )


def test_examples_are_of_the_package_and_an_object_gives_one(rows: pl.DataFrame) -> None:
    spare = rows.with_columns(id=pl.col("row").cast(pl.String))
    examples = pick_examples(spare, "scipy", 20, 1)
    assert examples.columns == ["instruction", "response"]
    assert examples["instruction"].str.extract(r"of (scipy.*)\?").n_unique() == 20
    assert examples.equals(pick_examples(spare.reverse(), "scipy", 20, 1))
    assert not examples.equals(pick_examples(spare, "scipy", 20, 2))
    with pytest.raises(ValueError, match="scipy must have 21 objects whose rows are in no pool, got 20"):
        pick_examples(spare, "scipy", 21, 1)
