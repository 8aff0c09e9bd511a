"""The stage that keeps or renews responses."""

import polars as pl
import pytest

from stages.io.tables import read_table, write_table
from stages.respond import main
from stages.schemas.pairs import Pairs
from stages.schemas.pool import Pool
from stages.schemas.units import Units


@pytest.fixture
def pool(tmp_path):
    rows = [("b", "s", "Why?", "So."), ("a", "s", "How?", "Thus.")]
    write_table(tmp_path / "pool.parquet", Pool, pl.DataFrame(rows, list(Pool.to_schema().columns), orient="row"))
    return tmp_path / "pool.parquet"


def test_kept_responses_are_the_pool_s_own_and_every_row_has_the_one_unit(pool, tmp_path):
    units = [tmp_path / f"units/{name}.parquet" for name in ("random", "stratified-length", "k-center", "entropy")]
    main(pool, tmp_path / "pairs.parquet", *units, engine="keep")
    pairs = read_table(tmp_path / "pairs.parquet", Pairs)
    assert pairs.rows() == [("a", "s", "How?", "Thus.", None), ("b", "s", "Why?", "So.", None)]
    assert [read_table(path, Units).rows() for path in units] == 4 * [[("a", "pool"), ("b", "pool")]]


def test_an_endpoint_is_a_clear_error_until_it_is_configured(pool, tmp_path):
    with pytest.raises(ValueError, match="'endpoint' is not configured: set it to 'keep'"):
        main(pool, tmp_path / "pairs.parquet", *4 * [tmp_path / "units.parquet"], engine="endpoint")
