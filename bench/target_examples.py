"""Rows of one package that the pool's limit left out → a file of examples, as a person with a target would have it.

`python -m bench.target_examples scipy data/raw/like-scipy.jsonl` after `make repro`, with the source `docstrings` of
params.yaml. No example is in the pool, and none shares its object, question or answer with a held-out row: `ingest`
keeps linked rows on one side. An object gives one example at most; which ones, a hash decides.
"""

import argparse
from pathlib import Path
from typing import Any

import polars as pl

from m2m.data.pool.docstring_questions import tabulate_pairs
from m2m.data.pool.docstring_sections import Documented, parse_sections
from m2m.data.pool.package_docstrings import read_docstrings
from m2m.data.pool.pool import split_candidates
from m2m.data.pool.pretraining_text import divide_objects
from m2m.data.records.hash_split import draw_each
from m2m.grid.params.params_file import read_settings
from m2m.parallel import map_parallel
from m2m.runtime.artifacts import read_table
from m2m.runtime.atomic_files import write_text
from m2m.schemas.pool import Pool

SOURCE = "docstrings"


def list_spare_rows(rows: pl.DataFrame, pool: pl.DataFrame, ingest: dict[str, Any]) -> pl.DataFrame:
    """id, instruction, response and group of `rows` on the pool's side of the split that are not in `pool`.

    The split is that of `ingest` (the block of params.yaml): it does not depend on the limit.
    """
    names = ("seed", "heldout_share", "min_chars", "max_chars", "near_duplicates")
    whole = split_candidates(rows, set(), {SOURCE: None}, **{name: ingest[name] for name in names})
    if absent := set(pool["id"]) - set(whole.pool["id"]):
        raise ValueError(f"{len(absent)} rows of the pool are not made of these settings and packages: run dvc repro")
    groups = rows.select("source", "row", "turn", "group")
    spare = whole.pool.join(pool, on="id", how="anti").join(whole.origins, on=["id", "source"])
    return spare.join(groups, on=["source", "row", "turn"], how="left").select("id", "instruction", "response", "group")


def pick_examples(spare: pl.DataFrame, package: str, count: int, seed: int) -> pl.DataFrame:
    """instruction and response of `count` rows of `package`, one an object; ValueError where there are fewer."""
    own = spare.filter(pl.col("group").str.split(".").list.first() == package)
    ranked = own.with_columns(rank=draw_each(pl.col("id"), "example", seed)).sort("rank")
    picked = ranked.unique("group", keep="first", maintain_order=True).head(count)
    if picked.height < count:
        raise ValueError(f"{package} must have {count} objects whose rows are in no pool, got {picked.height}")
    return picked.sort("id").select("instruction", "response")


def read_rows(ingest: dict[str, Any]) -> pl.DataFrame:
    """The rows that `ingest` makes of the packages before it limits them."""
    packages = ingest["sources"][SOURCE]["packages"]
    objects = read_docstrings(packages)
    parsed = map_parallel(parse_sections, objects["text"].to_list(), "docstrings: sections")
    named = zip(objects["name"], objects["kind"], parsed, strict=True)
    documented = [Documented(name, kind, sections) for name, kind, sections in named]
    _, questioned = divide_objects(documented, objects["text"], ingest["corpus_share"], ingest["seed"])
    return tabulate_pairs(questioned, SOURCE, ingest["max_chars"])


def main() -> None:
    """Write the examples, a JSON record a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    ingest = read_settings(Path("params.yaml"))["ingest"]
    spare = list_spare_rows(read_rows(ingest), read_table(Path("data/pool.parquet"), Pool), ingest)
    examples = pick_examples(spare, options.package, options.count, options.seed)
    write_text(options.out, examples.write_ndjson())
    print(f"{options.out}: {examples.height} examples of {options.package}, of {spare.height} rows in no pool")


if __name__ == "__main__":
    main()
