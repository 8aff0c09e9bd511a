"""choices: a byte-identical copy, so that DVC stores the table once."""

from pathlib import Path

from stages.choices import main


def test_the_copy_has_the_bytes_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "vectors.parquet").write_bytes(b"any bytes")
    main(tmp_path / "vectors.parquet", tmp_path / "choices/k-center.parquet")
    assert (tmp_path / "choices/k-center.parquet").read_bytes() == b"any bytes"
