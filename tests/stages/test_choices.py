"""choices: byte-identical copies, so that DVC stores the table once."""

from pathlib import Path

from stages.choices import main


def test_each_copy_has_the_bytes_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "vectors.parquet").write_bytes(b"any bytes")
    copies = tuple(tmp_path / f"choices/{name}.parquet" for name in ("k-center", "gist"))
    main(tmp_path / "vectors.parquet", copies)
    assert [copy.read_bytes() for copy in copies] == [b"any bytes"] * 2
