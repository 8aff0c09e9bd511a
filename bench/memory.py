"""Peak memory of reading and choosing from a large file: `python -m bench.memory [--rows 1850000] [--door select]`.

The file is made in a temporary folder: JSONL of about 1.1 KB a row.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BATCH = 10_000
WORDS = 30_000
RESPONSE_WORDS = 130  # the median
SETTINGS = {
    "seed": "0",
    "heldout-share": "0.1",
    "corpus-share": "0.5",
    "min-chars": "1",
    "max-chars": "100000",
    "near-duplicates": "keep",
    "sources.big.kind": "files",
}
OUTS = ("pool.parquet", "heldout.parquet", "corpus.parquet", "rejects.parquet", "row_origins.parquet", "origins.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_850_000)
    parser.add_argument("--door", choices=("ingest", "select"), default="ingest")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pool, out = Path(folder, "pool.jsonl"), Path(folder, "out")
        with pool.open("w", encoding="utf-8") as file:
            file.writelines(make_lines(flags.rows))
        ingest = ["-m", "stages.ingest", *(str(out / name) for name in OUTS), *flags_of_ingest(pool)]
        select = ["-m", "m2m", "select", str(pool), "--size", "10000", "--out", str(out)]
        started = time.perf_counter()
        subprocess.run([sys.executable, *(ingest if flags.door == "ingest" else select)], check=True)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"{flags.door}: {flags.rows:,} rows, {pool.stat().st_size / 2**30:.2f} GiB: peak "
            f"{usage.ru_maxrss / 2**20:.2f} GiB, {usage.ru_utime + usage.ru_stime:.0f} CPU seconds, "
            f"{time.perf_counter() - started:.0f} seconds"
        )


def flags_of_ingest(pool: Path) -> list[str]:
    settings = SETTINGS | {"sources.big.path": str(pool)}
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def make_lines(rows: int) -> Iterator[str]:
    """Records of words whose frequencies follow Zipf's law; lengths are log-normal."""
    rng = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    words = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(WORDS)])
    cumulative = np.cumsum(1 / np.arange(1, WORDS + 1))
    for start in range(0, rows, BATCH):
        count = min(BATCH, rows - start)
        lengths = rng.lognormal(np.log(RESPONSE_WORDS), 0.7, count).astype(int).clip(5, 4000)
        draws = np.searchsorted(cumulative / cumulative[-1], rng.random(int(lengths.sum()) + 12 * count))
        texts = np.split(words[draws], np.cumsum(np.column_stack([np.full(count, 12), lengths]).ravel())[:-1])
        for row in range(count):
            pair = {"instruction": " ".join(texts[2 * row]) + "?", "output": " ".join(texts[2 * row + 1])}
            yield json.dumps({"id": start + row, "source": f"s{row % 7}", **pair}) + "\n"


if __name__ == "__main__":
    main()
