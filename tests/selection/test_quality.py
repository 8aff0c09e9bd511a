"""Scores of rows: one field, the product of two as DEITA has it, and what is no number."""

import numpy as np
import polars as pl
import pytest

from m2m.selection.quality import parse_scores

FIELDS = pl.Series(['{"complexity": 2, "quality": "3.5", "a": "x"}', '{"complexity": 4}', None, '{"quality": 1}'])


def test_a_product_needs_every_factor() -> None:
    np.testing.assert_array_equal(parse_scores(FIELDS, "complexity"), [2, 4, np.nan, np.nan])
    for name in ("complexity*quality", "quality * complexity"):
        np.testing.assert_array_equal(parse_scores(FIELDS, name), [7, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(("name", "field"), [("complexity*a", "a"), ("complexity*", ""), ("b*quality", "b")])
def test_a_factor_without_numbers_is_named(name: str, field: str) -> None:
    with pytest.raises(ValueError, match=rf"subset.quality must name .*, '{field}' has none .*: complexity, quality"):
        parse_scores(FIELDS, name)
