"""Whether Ray gives the bytes of one process: `python -m bench.engines POOL PROMPTS [--rows 20000]`.

POOL and PROMPTS are Parquet files (instruction, response; id, instruction). Rows are made up as in `bench.scale`. Every
stage runs with M2M_ENGINE=local and with M2M_ENGINE=ray. Embedding takes longest: --tokens says how much of a text is
read.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from bench.scale import list_commands, measure, write_rows
from m2m.data.benchmarks.eval_prompts import convert_records
from m2m.strategies import SIDES

ENGINES = ("local", "ray")
SAMPLE = 2000  # rows that are clustered; the others are assigned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("prompts", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--tokens", type=int, default=16, help="of each text that is embedded")
    flags = parser.parse_args()
    with TemporaryDirectory() as folder:
        raw, prompts = Path(folder, "raw.jsonl"), Path(folder, "prompts.parquet")
        write_rows(flags.pool, raw, flags.rows)
        write_prompts(flags.prompts, prompts)
        os.environ["RAY_ADDRESS"] = start_cluster()
        print("| stage | CPU seconds, one process | with Ray | outs | differing |\n|---|---:|---:|---:|---|")
        differing = compare_engines(Path(folder), raw, prompts, flags.tokens)
    sys.exit(f"{differing} outs differ" if differing else 0)


def start_cluster() -> str:
    """One node of two cores, whose workers serve all stages; its address."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    return str(ray.init("local", num_cpus=2, object_store_memory=10**9, log_to_driver=False).address_info["address"])


def compare_engines(folder: Path, raw: Path, prompts: Path, tokens: int) -> int:
    """Runs every stage twice; returns how many outs differ."""
    works = {engine: folder / engine for engine in ENGINES}
    commands = {engine: dict(list_stages(work, raw, prompts, tokens)) for engine, work in works.items()}
    differing = 0
    for stage in commands["local"]:
        before = {path: path.stat().st_mtime_ns for path in list_files(works["local"])}
        seconds = []
        for engine in ENGINES:
            works[engine].mkdir(exist_ok=True)
            os.environ["M2M_ENGINE"] = engine
            seconds.append(measure(commands[engine][stage])[0])
        outs = [path for path in list_files(works["local"]) if before.get(path) != path.stat().st_mtime_ns]
        others = [works["ray"] / path.relative_to(works["local"]) for path in outs]
        different = [path.name for path, other in zip(outs, others, strict=True) if hash_file(path) != hash_file(other)]
        differing += len(different)
        print(
            f"| {stage} | {seconds[0]:.1f} | {seconds[1]:.1f} | {len(outs)} | {', '.join(different) or '–'} |",
            flush=True,
        )
    return differing


def list_stages(work: Path, raw: Path, prompts: Path, tokens: int) -> Iterator[tuple[str, list[str]]]:
    """Those of `bench.scale` but `subset`, and near copies, overlaps, vectors, clusters of a sample and tags."""
    stages = [entry for entry in list_commands(work, raw, False) if not entry[0].startswith("subset")]
    yield from stages
    dropped = [word.replace(f"{work}/", f"{work}/near-") for word in stages[0][1]]
    yield "ingest, near copies", ["--near_duplicates=drop" if "near_dup" in word else word for word in dropped]
    pairs = f"{work}/pairs.parquet"
    yield "overlap", ["stages.overlap", pairs, str(prompts), f"{work}/overlaps.parquet"]
    for side in SIDES:
        flags, vectors = f"--side={side}", f"{work}/vectors-{side}.parquet"
        yield f"embed {side}", ["stages.embed", pairs, vectors, flags, "@embed", f"--max_tokens={tokens}"]
        macro = [f"{work}/units-macro-{side}.parquet", f"{work}/clusters-{side}.csv"]
        yield f"cluster {side}", ["stages.cluster", vectors, pairs, *macro, flags, "@cluster", f"--sample={SAMPLE}"]
        outs = [f"{work}/{name}-{side}.parquet" for name in ("tags", "canon", "units-meso", "untagged")]
        tag = ["stages.tag", pairs, "m2m/prompts/tag.txt", *outs, flags, "@tag", "@embed", "--engine=phrases"]
        yield f"tag {side}", tag


def write_prompts(source: Path, path: Path) -> None:
    convert_records(source.name, pl.read_parquet(source).to_dicts(), {}).write_parquet(path)


def list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "origins.json")


def hash_file(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
