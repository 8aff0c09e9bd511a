"""Seconds and memory of reading a pool, of its near copies, and of its overlap with evaluation prompts.

`python -m bench.reading ../shared/data`: the development pool and its evaluation prompts, both Parquet files.
"""

import argparse
from pathlib import Path

import polars as pl

from bench.pool import read_pool
from bench.report import header, show, timed
from m2m.data.benchmarks.overlap import find_overlaps
from m2m.data.records.near_duplicates import flag_near_duplicates
from m2m.data.records.read_files import read_files
from m2m.data.records.record_formats import DETECTED
from m2m.data.records.row_table import tabulate_records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    shared = parser.parse_args().shared
    pool, prompts = read_pool(shared), pl.read_parquet(shared / "eval_prompts.parquet", columns=["id", "instruction"])
    records = read_files(str(shared / "sft_pool.parquet"))
    header()
    _, seconds = timed(lambda: tabulate_records("pool", records, DETECTED, "first"))
    show("records to rows", len(pool), seconds)
    _, seconds = timed(lambda: find_overlaps(pool, prompts))
    show(f"overlap with {len(prompts):,} prompts", len(pool), seconds)
    _, seconds = timed(lambda: flag_near_duplicates(pool.with_columns(reason=pl.lit(None, pl.String)), 0.8))
    show("near copies", len(pool), seconds)


if __name__ == "__main__":
    main()
