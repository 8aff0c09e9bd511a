"""Times pruning and sampling against a heap in plain Python and apricot, and their growth with the pool.

`python -m bench.selection [--pool units.parquet] [--full]`: input is synthetic, of the shape that mid-band tokens of
real responses have, or the units table given. --full adds 10⁷ rows. Weights are the pipeline's default, inverse; the
heap draws uniformly, which is less work. apricot picks 1,000: for 10,000 it had not ended after eleven minutes.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl

from bench.chains import prune
from bench.heap import heap_every_cell
from bench.report import header, show, timed
from m2m.selection.degrees import find_degree_states
from m2m.selection.incidence import Incidence, build_incidence, group_pairs
from m2m.selection.prune import peel
from m2m.selection.sample import Weights, sample

SIZES, SLACK, UNITS = (10_000, 20_000, 30_000), 1.5, 14_500
PICKED = 1_000  # rows, beside apricot
MOST_OTHER_UNITS = 0.01  # of all: of units with equal scores, the peer drops another one first (0.0011 at 117,000 rows)


def synthetic(rows: int, mean_units: float) -> Incidence:
    """Log-normal units a row; unit frequencies spread evenly, on a log scale, over a factor of 50 (band 10 … 500).

    As in a real incidence, a unit that no row carries is left out.
    """
    rng = np.random.default_rng(rows)
    weights = np.exp(rng.uniform(0, np.log(50), UNITS)).cumsum()
    chunks = [_pairs(rng, weights, first, min(10**6, rows - first), mean_units) for first in range(0, rows, 10**6)]
    row, unit = (np.concatenate(column) for column in zip(*chunks, strict=True))
    is_carried = np.zeros(UNITS, np.bool_)
    is_carried[unit] = True
    numbers = is_carried.cumsum(dtype=np.int32) - np.int32(1)
    return group_pairs(row, numbers[unit], rows, int(is_carried.sum()))


def _pairs(
    rng: np.random.Generator, weights: np.ndarray, first: int, rows: int, mean_units: float
) -> tuple[np.ndarray, np.ndarray]:
    """Unit j of m is drawn from the j-th m-th of all occurrences: ascending, so that equal ones are neighbours."""
    counts = np.exp(rng.normal(np.log(mean_units) - 0.5, 1, rows)).astype(np.int64) + 1
    row = np.repeat(np.arange(first, first + rows, dtype=np.int32), counts)
    place = np.arange(len(row)) - np.repeat(counts.cumsum() - counts, counts) + rng.random(len(row))
    unit_ids = np.searchsorted(weights, place / np.repeat(counts, counts) * weights[-1]).astype(np.int32)
    new = np.append(True, (np.diff(row) > 0) | (np.diff(unit_ids) > 0))
    return row[new], unit_ids[new]


def read_pool(path: Path) -> Incidence:
    table = pl.read_parquet(path)
    ids = table["id"].unique().sort()
    return build_incidence(table, ids, np.ones(len(ids), np.bool_))[0]


def every_cell(pool: Incidence, weights: Weights, sizes: tuple[int, ...] = SIZES) -> list[int]:
    """Units of each degree and size; the subsets themselves are drawn and dropped."""
    costs = np.ones(len(pool.row_start) - 1, np.int64)
    chain = prune(pool)
    k, rows_kept = chain.units_left(), chain.rows_left(costs)
    cells = [(size, state) for size in sizes for state in find_degree_states(k, rows_kept, size, SLACK)]
    for size, state in cells:
        sample(pool, chain, state, costs, size, weights, np.random.default_rng(0))
    return [int(k[state]) for _, state in cells]


def apricot_choice(pool: Incidence, size: int) -> int:
    """Rows that apricot's feature-based greedy takes: concave sum of unit counts, its default optimizer."""
    from apricot import FeatureBasedSelection
    from scipy.sparse import csr_matrix

    incidences = np.ones(len(pool.row_units))
    matrix = csr_matrix(
        (incidences, pool.row_units, pool.row_start), shape=(len(pool.row_start) - 1, len(pool.unit_start) - 1)
    )
    return len(FeatureBasedSelection(size, concave_func="sqrt", optimizer="lazy").fit(matrix).ranking)


def one_subset(pool: Incidence, size: int) -> int:
    """Pruning and one sample at degree 3."""
    costs = np.ones(len(pool.row_start) - 1, np.int64)
    chain = prune(pool)
    state = find_degree_states(chain.units_left(), chain.rows_left(costs), size, SLACK)[3]
    return len(sample(pool, chain, state, costs, size, "inverse", np.random.default_rng(0)).rows)


def rules(pool: Incidence, k: np.ndarray) -> dict[str, np.ndarray]:
    """Rows that each rule of pruning keeps at `k` units, and what no choice of as many units can exceed.

    Each row gives 1 to its units, in any division; the rows within k units are at most what the k richest units got.
    The rounds of Greedy++ find a division that makes this bound low.
    """
    load, results = np.zeros(len(pool.unit_start) - 1, np.int64), {}
    for rounds in range(1, 101):
        chain, dropped = peel(pool, load)
        load = load + dropped
        if rounds in (1, 2, 3, 10):
            states = np.searchsorted(-chain.units_left(), -k)  # the first state of at most k units
            results[f"peeled {rounds} ×"] = chain.rows_left(np.ones(len(chain.row_end), np.int64))[states]
    return results | {"by weight": by_weight(pool, k), "bound": np.sort(load)[::-1].cumsum()[k - 1] / 100}


def by_weight(pool: Incidence, k: np.ndarray) -> np.ndarray:
    """The same where rows leave one by one, the one with the rarest units (largest sum of 1 / rows of a unit) first."""
    carried, counts = np.diff(pool.row_start), np.diff(pool.unit_start)
    weight = np.bincount(np.repeat(np.arange(len(carried)), carried), 1 / counts[pool.row_units], len(carried))
    turn = np.empty(len(carried), np.int64)
    turn[np.argsort(-weight, kind="stable")] = np.arange(len(carried))
    last = np.sort(np.maximum.reduceat(turn[pool.unit_rows], pool.unit_start[:-1]))[::-1]  # turn at which a unit leaves
    return (carried > 0).sum() - 1 - last[k]


def against_rules(pool: Incidence) -> None:
    units = len(pool.unit_start) - 1
    shares = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9)
    k = np.array([round(share * units) for share in shares])
    print("| rows kept at | " + " | ".join(f"{share:.0%} of the units" for share in shares) + " |")
    print("|---|" + "---:|" * len(shares))
    for name, rows in rules(pool, k).items():
        print(f"| {name} | " + " | ".join(f"{int(count):,}" for count in rows) + " |")


def require_close(k: list[int], peer_k: list[int], units: int) -> int:
    """The largest difference in k between ours and the peer's; SystemExit above MOST_OTHER_UNITS of the `units`."""
    difference = max(abs(ours - theirs) for ours, theirs in zip(k, peer_k, strict=True))
    if difference > MOST_OTHER_UNITS * units:
        sys.exit(
            f"k must differ from the heap's by at most {MOST_OTHER_UNITS:.0%} of the {units:,} units, "
            f"differs by {difference:,}"
        )
    return difference


def against_peers(pool: Incidence) -> None:
    rows, units, small = len(pool.row_start) - 1, len(pool.unit_start) - 1, synthetic(1000, 10)
    every_cell(small, "uniform", (100,)), one_subset(small, 100), apricot_choice(small, 100)  # compiles
    peer_cells, peer_seconds = timed(lambda: heap_every_cell(pool, SIZES, SLACK))
    for weights in ("uniform", "inverse"):
        cells, seconds = timed(lambda weights=weights: every_cell(pool, weights))  # type: ignore[misc]
        difference = require_close(cells, peer_cells, units)
        show(f"micro: 7 degrees × 3 sizes, {weights}", rows, seconds, "heapq, uniform", peer_seconds)
        print(f"largest difference in k: {difference} of {units:,} units")
    _, seconds = timed(lambda: one_subset(pool, PICKED))
    _, peer_seconds = timed(lambda: apricot_choice(pool, PICKED))
    show(f"micro: one subset of {PICKED:,}", rows, seconds, "apricot FeatureBasedSelection", peer_seconds)


def grown(rows: int) -> tuple[int, float]:
    """Incidences of a synthetic pool, and the seconds that one subset of a tenth of it takes."""
    pool = synthetic(rows, 23)
    return len(pool.row_units), timed(lambda: one_subset(pool, rows // 10))[1]


def growth(full: bool) -> None:
    """The exponent is the slope of log seconds over log rows, from 10⁵ on."""
    timings = []
    for rows in (10**5, 10**6, 10**7)[: 3 if full else 2]:
        pairs, seconds = grown(rows)
        timings.append((rows, seconds))
        show(f"growth: prune + sample a tenth, {1e9 * seconds / pairs:.0f} ns an incidence", rows, seconds)
    slope = np.polyfit(*np.log(np.array(timings).T), 1)[0]  # type: ignore[call-overload]
    show(f"growth: exponent {slope:.2f} over these", *timings[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=Path, help="a units table, such as data/units/response-micro.parquet")
    parser.add_argument("--full", action="store_true")
    flags = parser.parse_args()
    pool = read_pool(flags.pool) if flags.pool else synthetic(117_000, 10)
    header()
    against_peers(pool)
    growth(flags.full)
    against_rules(pool)


if __name__ == "__main__":
    main()
