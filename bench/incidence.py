"""Times the way from a units table of ten million pairs to its incidence, beside pruning.

`python -m bench.incidence [--rows 435000]`: input is synthetic, of the shape that mid-band tokens of responses have.
CPU seconds are printed too, since other jobs slow the clock.
"""

import argparse
from hashlib import sha256
from time import process_time

import numpy as np
import polars as pl

from bench.chains import prune
from bench.report import header, show, timed
from bench.selection import synthetic
from m2m.selection.incidence import build_incidence


def tabulate_units(rows: int) -> tuple[pl.DataFrame, pl.Series]:
    """A units table, sorted by id and unit, and the ids of its pool."""
    pool = synthetic(rows, 23)
    ids = pl.Series("id", sorted(sha256(str(row).encode()).hexdigest()[:16] for row in range(rows)))
    names = pl.Series("unit", sorted(f"token {unit * 7919 % 100_003}" for unit in range(len(pool.unit_start) - 1)))
    row = np.repeat(np.arange(rows), np.diff(pool.row_start))
    return pl.DataFrame([ids.gather(row), names.gather(pool.row_units)]), ids


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=435_000)
    rows = parser.parse_args().rows
    table, ids = tabulate_units(rows)
    inside = np.ones(rows, np.bool_)
    prune(build_incidence(table[:100], ids, inside)[0])  # compiles
    header()
    begin = process_time()
    (incidence, _), seconds = timed(lambda: build_incidence(table, ids, inside))
    show(f"incidence of {table.height:,} pairs, {process_time() - begin:.2f} CPU seconds", rows, seconds)
    begin = process_time()
    _, seconds = timed(lambda: prune(incidence))
    show(f"its pruning, {process_time() - begin:.2f} CPU seconds", rows, seconds)


if __name__ == "__main__":
    main()
