"""CPU seconds and peak memory of the data stages at growing pools, and how they grow.

`python -m bench.scale POOL.parquet [--rows 100000 1000000] [--work FOLDER]`: each stage is a process of its own. A
made-up row has the lengths of one row of POOL (instruction, response), and words drawn from all its words.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from m2m.strategies import SIDES

BATCH = 100_000  # rows
SIZE = 10_000
STRATEGIES = ("response-micro", "random", "longest", "length-matched")


class Cost(NamedTuple):
    """What one stage took at one size."""

    stage: str
    rows: int
    cpu_seconds: float
    peak_gib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--work", type=Path, help="keeps the tables in this folder; without it they are deleted")
    parser.add_argument("--select", action="store_true", help="also `m2m select` from the same file")
    parser.add_argument("--skip", nargs="*", default=[], help="stages whose tables are in --work already")
    flags = parser.parse_args()
    costs: list[Cost] = []
    print("| stage | rows | CPU seconds | microseconds a row | exponent | peak, GiB |\n|---|---:|---:|---:|---:|---:|")
    for rows in flags.rows:
        with TemporaryDirectory() as folder:
            work = flags.work / str(rows) if flags.work else Path(folder)
            work.mkdir(parents=True, exist_ok=True)
            file = work / "raw.jsonl"
            if not file.exists():  # in a process of its own: children would begin with this one's memory
                writer = get_context("spawn").Process(target=write_rows, args=(flags.pool, file, rows))
                writer.start()
                writer.join()
            for stage, command in list_commands(work, file, flags.select):
                if stage in flags.skip:
                    continue
                cost = Cost(stage, rows, *measure(command))
                print(format_cost(cost, costs), flush=True)
                costs.append(cost)


def write_rows(pool: Path, file: Path, rows: int) -> None:
    """JSONL of `rows` records."""
    table = pl.read_parquet(pool, columns=list(SIDES)).with_columns(pl.col(SIDES).str.split(" "))
    words = pl.concat([table[side].explode() for side in SIDES]).drop_nulls()
    lengths = table.select(pl.col(SIDES).list.len()).to_numpy().astype(np.int64)
    rng = np.random.default_rng(1)
    with file.open("wb") as stream:
        for start in range(0, rows, BATCH):
            drawn = lengths[rng.integers(len(lengths), size=min(BATCH, rows - start))]
            ids = pl.int_range(start, start + len(drawn), eager=True).alias("number")
            texts = [make_texts(words, drawn[:, side], rng).alias(name) for side, name in enumerate(SIDES)]
            pl.DataFrame([ids, *texts]).write_ndjson(stream)


def make_texts(words: pl.Series, lengths: np.ndarray, rng: np.random.Generator) -> pl.Series:
    offsets = np.append(0, lengths.cumsum())
    drawn = words.gather(rng.integers(len(words), size=offsets[-1])).to_arrow()
    return pl.Series(pa.LargeListArray.from_arrays(offsets, drawn.cast(pa.large_string()))).list.join(" ")


def list_commands(work: Path, file: Path, select: bool) -> Iterator[tuple[str, list[str]]]:
    """Each stage and its command; the settings are those of params.yaml, but for what the size of the pool decides."""
    at = {name: str(work / name) for name in ("pool.parquet", "pairs.parquet", "tokenizer", "keep.parquet")}
    ingest = ("pool", "heldout", "corpus", "rejects", "row_origins")
    yield (
        "ingest",
        [
            *("stages.ingest", *(f"{work}/{name}.parquet" for name in ingest), f"{work}/origins.json"),
            *("--seed=1", "--heldout_share=0.02", "--corpus_share=0.5", "--min_chars=1", "--max_chars=4000"),
            *("--near_duplicates=keep", "--sources.rows.kind=files", f"--sources.rows.path={file}"),
        ],
    )
    yield (
        "tokenizer",
        [
            *("stages.tokenizer", f"{work}/corpus.parquet", at["pool.parquet"], at["tokenizer"]),
            *("--name=scratch", "--revision=main", "--vocab_size=32000"),
        ],
    )
    yield (
        "respond",
        [
            *("stages.respond", at["pool.parquet"], "m2m/prompts/respond.txt", at["pairs.parquet"]),
            *(f"{work}/unusable.parquet", "@respond"),
        ],
    )
    for side in SIDES:
        outs = [f"{work}/{kind}-{side}.{ending}" for kind, ending in BAND_OUTS]
        yield (
            f"band {side}",
            [
                *("stages.band", at["pairs.parquet"], at["tokenizer"], *outs, f"--side={side}"),
                *("--tokenizer=base", "--low=0.0001", "--high=0.005", "--limits=share", "--band=mid"),
            ],
        )
    yield "exclude", ["stages.exclude", at["pairs.parquet"], at["keep.parquet"], "--overlap=keep"]
    for strategy in STRATEGIES:
        units = f"{work}/units-response.parquet"
        choices = units if strategy == "response-micro" else f"{work}/tokens-response.parquet"
        yield (
            f"subset {strategy}",
            [
                *("stages.subset", choices, units, units, at["pairs.parquet"], f"{work}/tokens-response.parquet"),
                *(f"{work}/row_origins.parquet", at["keep.parquet"], units, units, f"{work}/{strategy}.parquet"),
                *(f"{work}/{strategy}.json", "@subset", f"--strategy={strategy}", "--match=response-micro"),
                *("--degree=3", f"--size={SIZE}", "--overlap=keep"),
            ],
        )
    if select:
        shutil.rmtree(work / "selected", ignore_errors=True)
        yield "m2m select", ["m2m", "select", str(file), "--size", str(SIZE), "--out", str(work / "selected")]


BAND_OUTS = (("tokens", "parquet"), ("bands", "parquet"), ("units", "parquet"), ("histogram", "csv"), ("bands", "png"))


def measure(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak GiB of a module with its arguments; its messages go to standard error."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode} after {time.perf_counter() - started:.0f} s")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def format_cost(cost: Cost, earlier: list[Cost]) -> str:
    """A row of the table; the exponent is against the next smaller pool."""
    before = [other for other in earlier if other.stage == cost.stage and other.rows < cost.rows]
    growth = "–"
    if before:
        base = before[-1]
        growth = f"{np.log(cost.cpu_seconds / base.cpu_seconds) / np.log(cost.rows / base.rows):.2f}"
    micro = 1e6 * cost.cpu_seconds / cost.rows
    return f"| {cost.stage} | {cost.rows:,} | {cost.cpu_seconds:.1f} | {micro:.0f} | {growth} | {cost.peak_gib:.2f} |"


if __name__ == "__main__":
    main()
