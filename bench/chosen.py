"""Subsets of a pool, by every strategy and rival → how long, how rich in tokens, how varied their responses are."""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from bench.chains import prune
from bench.pool import EVERY, TOKENS, WINDOW, Spelt
from m2m.arrays import entropy_bits
from m2m.selection.degrees import DEGREES, find_degree_states
from m2m.selection.incidence import Incidence, build_incidence
from m2m.selection.length_matched import choose_length_matched_rows
from m2m.selection.sample import Weights
from m2m.selection.select import build_dial, select_at_degree
from m2m.selection.token_entropy import choose_high_entropy_rows

Row = dict[str, object]
SIZE, SLACK, SEED, MATCH = 10_000, 1.5, 1, "response-micro"


class Condition(NamedTuple):
    """How a subset is drawn: settings of the stage."""

    name: str  # of the budget or window, beside the weights
    weights: Weights
    size: int
    window: tuple[int, int]


CONDITIONS = [
    Condition(name, weights, size, window)  # type: ignore[arg-type]
    for (name, size, window), weights in product(
        (("rows", SIZE, EVERY), ("tokens", TOKENS, EVERY), ("window", SIZE, WINDOW)), ("uniform", "inverse")
    )
]


class Pool(NamedTuple):
    """What subsets are drawn from and judged by; rows sorted by id."""

    ids: pl.Series
    responses: Spelt
    mid: np.ndarray  # which token types are of the middle band
    units: dict[str, pl.DataFrame]  # id and unit, by strategy

    def within(self, strategy: str, inside: np.ndarray) -> Incidence:
        return build_incidence(self.units[strategy], self.ids, inside)[0]


def unit_rows(pool: Pool, sizes: tuple[int, ...]) -> list[Row]:
    """k_min and k_max of each strategy and size, over all responses that have a token."""
    records = []
    for strategy in pool.units:
        carried = pool.within(strategy, pool.responses.lengths >= EVERY[0])
        units_per_row = np.diff(carried.row_start)
        chain = prune(carried)
        k, rows = chain.units_left(), chain.rows_left(np.ones_like(units_per_row))
        figures = {
            "strategy": strategy,
            "units_a_row": units_per_row.mean(),
            "rows_without_unit": int((units_per_row == 0).sum()),
        }
        for size in sizes:
            states = find_degree_states(k, rows, size, SLACK)
            ends = {"k_min": int(k[states[0]]), "k_max": int(k[states[-1]]), "rows_at_k_min": int(rows[states[0]])}
            records.append(figures | {"size": size} | ends)
    return records


def subset_rows(pool: Pool, condition: Condition, centers: np.ndarray | None) -> Iterator[Row]:
    """The six strategies and the rows matched to `MATCH` at every degree; the other rivals once, as degree 0."""
    length = pool.responses.lengths
    inside = (length >= condition.window[0]) & (length <= condition.window[1])
    costs = length + 1 if condition.name == "tokens" else np.ones_like(length)
    key = condition._asdict() | {"window": "{}..{}".format(*condition.window)}
    for strategy, table in pool.units.items():
        carried, units = pool.within(strategy, inside), table["unit"].n_unique()
        dial = build_dial(carried, costs, condition.size, SLACK)
        for degree in DEGREES:
            ask: dict[str, Any] = {"degree": degree, "size": condition.size, "weights": condition.weights}
            chosen = select_at_degree(carried, dial, costs, rng=np.random.default_rng(SEED), **ask)
            k = {"k": int(chosen.chain.units_left()[chosen.state]), "units": units}
            yield key | {"strategy": strategy, "degree": degree} | k | numbers(pool, chosen.draw.rows)
            if strategy == MATCH:
                like = choose_length_matched_rows(length, inside, chosen.draw.rows, np.random.default_rng(SEED))
                yield key | {"strategy": "length-matched", "degree": degree} | numbers(pool, like)
    rng = np.random.default_rng(SEED)
    shuffled = rng.permutation(np.flatnonzero(inside))
    rivals = {"random": shuffled[: np.searchsorted(costs[shuffled].cumsum(), condition.size) + 1]}
    rivals["token-entropy"] = choose_high_entropy_rows(*pool.responses, inside, costs, condition.size, rng)
    if centers is not None:
        rivals["k-center"] = centers
    for strategy, rows in rivals.items():
        yield key | {"strategy": strategy, "degree": 0} | numbers(pool, rows)


def numbers(pool: Pool, rows: np.ndarray) -> Row:
    tokens, offsets = pool.responses
    spelled = np.concatenate([tokens[offsets[row] : offsets[row + 1]] for row in rows.tolist()])
    count = np.bincount(spelled, minlength=len(pool.mid))
    return {
        "rows": len(rows),
        "mean_response_tokens": len(spelled) / len(rows),
        "response_token_entropy": entropy_bits(count),
        "mid_types": int(np.count_nonzero(count[pool.mid])),
    }


def rise_rows(subsets: pl.DataFrame) -> list[Row]:
    """What each figure gains from degree 0 to 6 of `MATCH`, and what random rows of the same lengths do not gain."""
    records = []
    for (name, weights), group in subsets.group_by("name", "weights", maintain_order=True):
        diverse, like = (
            group.filter(pl.col("strategy") == strategy).sort("degree") for strategy in (MATCH, "length-matched")
        )
        for figure in ("mean_response_tokens", "response_token_entropy", "mid_types"):
            values, matched = diverse[figure].cast(pl.Float64).to_numpy(), like[figure].cast(pl.Float64).to_numpy()
            rise, of_length = values[-1] - values[0], matched[-1] - matched[0]
            steps = {"steps_up": int((np.diff(values) > 0).sum()), "steps": len(values) - 1}
            figures = {"at_0": values[0], "at_6": values[-1], "rise": rise}
            key = {"name": name, "weights": weights, "figure": figure}
            records.append(key | figures | steps | {"rise_of_matched": of_length, "left": rise - of_length})
    return records
