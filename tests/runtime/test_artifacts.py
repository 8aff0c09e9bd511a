from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.runtime.artifacts import read_json, read_table, require_ids, write_json, write_table
from m2m.runtime.pandera_alone import pa
from m2m.schemas.clusters import Clusters
from m2m.schemas.loss import LossCurve
from m2m.schemas.vectors import Vectors

CURVE = pl.DataFrame({"step": [5, 10], "loss": [2.5, 1.25], "learning_rate": [0.1, 0.0]})


@pytest.mark.parametrize("name", ["curve.parquet", "curve.csv"])
def test_a_table_comes_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / "new" / name, LossCurve, CURVE)
    assert read_table(tmp_path / "new" / name, LossCurve).equals(CURVE)


@pytest.mark.parametrize("name", ["curve.parquet", "curve.csv"])
def test_equal_tables_are_equal_bytes(tmp_path: Path, name: str) -> None:
    paths = [tmp_path / str(at) / name for at in range(2)]
    for path in paths:
        write_table(path, LossCurve, CURVE.clone())
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_text_that_looks_like_a_number_stays_text_in_csv(tmp_path: Path) -> None:
    table = pl.DataFrame({"cluster": ["-1", "0"], "size": [3, 2], "share": [0.6, 0.4], "words": ["a, b", ""]})
    write_table(tmp_path / "clusters.csv", Clusters, table)
    assert read_table(tmp_path / "clusters.csv", Clusters).equals(table)


def test_the_type_of_a_further_column_is_that_of_all_its_rows(tmp_path: Path) -> None:
    class Measured(pa.DataFrameModel):
        name: str

    table = pl.DataFrame({"name": [str(at) for at in range(200)], "metric": [1.0] * 199 + [0.5]})
    (tmp_path / "measured.csv").write_text(table.write_csv().replace(",1.0", ",1"))
    assert read_table(tmp_path / "measured.csv", Measured).equals(table)


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "empty.parquet", LossCurve, CURVE.clear())
    assert read_table(tmp_path / "empty.parquet", LossCurve).columns == CURVE.columns


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (CURVE.drop("loss"), r"column_in_dataframe \(loss\)"),
        (CURVE.with_columns(loss=pl.lit(-1.0)), "loss: greater_than_or_equal_to"),
        (CURVE.with_columns(step=pl.lit(5, pl.Int64)), "step: field_uniqueness"),
        (CURVE.with_columns(extra=pl.lit(1)), r"column_in_schema \(extra\)"),
        (CURVE.with_columns(pl.col("step").cast(pl.Int32)), "step: dtype"),
    ],
)
def test_a_broken_rule_is_named_with_the_file(tmp_path: Path, broken: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=r"curve.parquet is not a valid LossCurve table: .*" + rule):
        write_table(tmp_path / "curve.parquet", LossCurve, broken)


def test_a_broken_file_is_found_on_reading_too(tmp_path: Path) -> None:
    CURVE.drop("loss").write_parquet(tmp_path / "curve.parquet")
    with pytest.raises(ValueError, match="loss"):
        read_table(tmp_path / "curve.parquet", LossCurve)


@pytest.mark.parametrize("vectors", [[[1.0, 1.0]], [[float("nan"), 1.0]], [[1.0], [0.6, 0.8]]])
def test_vectors_are_of_one_length_finite_and_of_norm_one(tmp_path: Path, vectors: Any) -> None:
    ids = [str(at) for at in range(len(vectors))]
    table = pl.DataFrame({"id": ids, "vector": pl.Series(vectors, dtype=pl.List(pl.Float32))})
    with pytest.raises(ValueError, match="Vectors"):
        write_table(tmp_path / "vectors.parquet", Vectors, table)


def test_ids_of_another_pool_are_named_with_the_file(tmp_path: Path) -> None:
    table, path = pl.DataFrame({"id": ["a", "c"]}), tmp_path / "subset.parquet"
    assert require_ids(path, table, pl.Series(["a", "b", "c"])) is table
    with pytest.raises(ValueError, match=r"subset\.parquet has id 'c', which is not in the table"):
        require_ids(path, table, pl.Series(["a", "b"]))


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = {"k": 3, "k_evenness": 0.5, "list": [1, 2], "none": None, "token": "▁ä"}
    write_json(tmp_path / "folder" / "record.json", record)
    assert read_json(tmp_path / "folder" / "record.json") == record


def test_the_order_of_keys_does_not_change_the_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    write_json(tmp_path / "b.json", {"a": 2, "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes() == b'{\n "a": 2,\n "b": 1\n}\n'


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_file_without_an_object_is_named_in_the_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.json must hold"):
        read_json(path)


def test_a_file_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"curve.parquet is not there: run `dvc repro`, or `dvc pull`"):
        read_table(tmp_path / "curve.parquet", LossCurve)


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:40], lambda data: data[:-9], lambda data: data[40:]]
)
def test_a_damaged_table_names_the_file_and_the_remedy(tmp_path: Path, damage: Any) -> None:
    write_table(tmp_path / "curve.parquet", LossCurve, CURVE)
    (tmp_path / "curve.parquet").write_bytes(damage((tmp_path / "curve.parquet").read_bytes()))
    with pytest.raises(ValueError, match=r"curve.parquet is damaged: .+\. Restore the file \(`dvc checkout`"):
        read_table(tmp_path / "curve.parquet", LossCurve)


def test_a_value_of_another_type_is_named_with_its_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("step,loss,learning_rate\n5,2.5,0.1\n10,\x1b[31mtwo,0\n")
    words = r"curve.csv is damaged: row 2, column loss: '\\x1b\[31mtwo' is not of type Float64. Restore the file"
    with pytest.raises(ValueError, match=words):
        read_table(path, LossCurve)


def test_a_broken_rule_is_named_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"loss: greater_than_or_equal_to\(0\) \(-1.0\) in row 2"):
        write_table(tmp_path / "curve.csv", LossCurve, CURVE.with_columns(loss=pl.Series([2.5, -1.0])))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 5000, '{"a": \x00}', "[]"])
def test_a_record_that_is_no_json_object_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "made.json").write_text(text)
    with pytest.raises(ValueError, match=r"made.json must hold (a )?JSON"):
        read_json(tmp_path / "made.json")
