"""Tables in slices have the bytes and the rules of whole tables."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.table_slices import count_table_rows, read_slices, write_slices

TOKENS = pl.DataFrame(
    {"id": [f"{row:05}" for row in range(70_000)], "tokens": [[row % 7, row % 11][: row % 3] for row in range(70_000)]},
    schema={"id": pl.String, "tokens": pl.List(pl.Int32)},
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "tokens.parquet"
    write_table(path, Tokens, TOKENS)
    return path


@pytest.mark.parametrize("rows", [1000, 65_536, 100_000])
def test_slices_give_the_bytes_of_the_whole_table_across_row_groups(whole: Path, tmp_path: Path, rows: int) -> None:
    path = tmp_path / "slices.parquet"
    assert write_slices(path, Tokens, TOKENS.iter_slices(rows)) == 70_000
    assert path.read_bytes() == whole.read_bytes()
    assert write_slices(path, Tokens, read_slices(whole, Tokens, rows=rows)) == 70_000
    assert path.read_bytes() == whole.read_bytes()


def test_no_slice_gives_the_bytes_of_an_empty_table(tmp_path: Path) -> None:
    write_table(tmp_path / "whole.parquet", Tokens, TOKENS.clear())
    assert write_slices(tmp_path / "slices.parquet", Tokens, []) == 0
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "slices.parquet").read_bytes()
    (empty,) = read_slices(tmp_path / "slices.parquet", Tokens)
    assert empty.equals(TOKENS.clear())


@settings(deadline=None, max_examples=30)
@given(st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from("uvwx"))), st.integers(1, 5))
def test_a_table_read_in_slices_is_the_table(
    tmp_path_factory: pytest.TempPathFactory, pairs: set[tuple[str, str]], rows: int
) -> None:
    path = tmp_path_factory.mktemp("units") / "units.parquet"
    table = pl.DataFrame(sorted(pairs), schema={"id": pl.String, "unit": pl.String}, orient="row")
    write_table(path, Units, table)
    slices = list(read_slices(path, Units, rows=rows))
    assert all(piece.height <= rows for piece in slices)
    assert pl.concat(slices).equals(table) and count_table_rows(path) == table.height


def test_some_columns_are_read_alone(whole: Path) -> None:
    assert next(read_slices(whole, Tokens, ["id"], rows=3)).to_dict(as_series=False) == {
        "id": ["00000", "00001", "00002"]
    }


def test_a_table_of_one_slice_may_have_any_order(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", Tokens, TOKENS[:5].reverse())
    (table,) = read_slices(tmp_path / "t.parquet", Tokens)
    assert table.equals(TOKENS[:5])


def test_several_slices_out_of_order_are_one_sentence(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", Tokens, TOKENS[:9].reverse())
    with pytest.raises(ValueError, match=r"t\.parquet must be sorted by id, each row once, and is not"):
        list(read_slices(tmp_path / "t.parquet", Tokens, rows=4))


@pytest.mark.parametrize("table", [TOKENS[[0, 1, 1, 2]], TOKENS[[0, 2, 1, 3]]], ids=["twice", "falling"])
def test_a_row_twice_is_seen_across_slices_and_nothing_is_written(tmp_path: Path, table: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"t\.parquet must be sorted by id, each row once"):
        write_slices(tmp_path / "t.parquet", Tokens, table.iter_slices(2))
    assert not list(tmp_path.iterdir())


def test_a_unit_twice_is_seen_across_slices_and_an_id_may_go_on(tmp_path: Path) -> None:
    table = pl.DataFrame({"id": ["a", "a", "a", "b"], "unit": ["u", "v", "w", "u"]})
    assert write_slices(tmp_path / "u.parquet", Units, table.iter_slices(2)) == 4
    with pytest.raises(ValueError, match="each row once"):
        write_slices(tmp_path / "u.parquet", Units, table[[0, 1, 1, 3]].iter_slices(2))


def test_a_broken_rule_in_a_late_slice_names_the_file_and_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "units.parquet"
    write_slices(path, Units, [pl.DataFrame({"id": ["a"], "unit": ["u"]})])
    before = path.read_bytes()
    slices = [pl.DataFrame({"id": ["a"], "unit": ["u"]}), pl.DataFrame({"id": ["b"], "unit": [""]})]
    with pytest.raises(ValueError, match=r"units\.parquet is not a valid Units table: unit"):
        write_slices(path, Units, slices)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_an_error_of_what_makes_the_slices_keeps_its_words(tmp_path: Path) -> None:
    def fail() -> Iterator[pl.DataFrame]:
        yield TOKENS[:2]
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="the disk went away"):
        write_slices(tmp_path / "t.parquet", Tokens, fail())


def test_a_damaged_or_missing_file_is_one_sentence(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    path.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"cut\.parquet is damaged: .* Restore the file"):
        list(read_slices(path, Tokens))
    with pytest.raises(FileNotFoundError, match="is not there: run `dvc repro`"):
        list(read_slices(tmp_path / "none.parquet", Tokens))


def test_a_whole_reader_reads_what_slices_wrote(tmp_path: Path) -> None:
    write_slices(tmp_path / "t.parquet", Tokens, TOKENS.iter_slices(50_000))
    assert read_table(tmp_path / "t.parquet", Tokens).equals(TOKENS)
