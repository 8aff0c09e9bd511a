"""Chooses the rows of each baseline by the table that it reads, without units."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Int32, Int64

from m2m.arrays import flatten_lists, stack_vectors
from m2m.selection.incidence import build_incidence
from m2m.selection.k_center import choose_farthest_rows
from m2m.selection.length_matched import choose_length_matched_rows
from m2m.selection.longest import choose_longest_rows
from m2m.selection.token_entropy import choose_high_entropy_rows
from m2m.selection.type_cover import choose_covering_rows


class BaselineInputs(NamedTuple):
    """What a baseline chooses from; everything has the rows of the pool, sorted by id, but for a table of units."""

    table: pl.DataFrame
    """what it chooses by: tokens, vectors or units, as its entry in `m2m.strategies` says"""
    ids: pl.Series
    lengths: Int64[np.ndarray, "rows"]
    """response tokens"""
    inside: Bool[np.ndarray, "rows"]
    """which rows take part"""
    costs: Int64[np.ndarray, "rows"]
    size: int
    """the chosen rows' `costs` must reach it"""
    random_rows: Int32[np.ndarray, "chosen"]
    """a random subset"""
    matched_rows: Int32[np.ndarray, "chosen"] | None
    """the subset of `subset.match`, for a strategy that follows it"""
    rng: np.random.Generator


def choose_random(inputs: BaselineInputs) -> Int64[np.ndarray, "chosen"]:
    """Rows as likely as each other."""
    return inputs.random_rows.astype(np.int64)


def choose_length_matched(inputs: BaselineInputs) -> Int64[np.ndarray, "chosen"]:
    """Random rows with the response lengths of the matched subset; ValueError without one."""
    if inputs.matched_rows is None:
        raise ValueError("length-matched rows need the rows of another subset: set subset.match")
    return choose_length_matched_rows(inputs.lengths, inputs.inside, inputs.matched_rows, inputs.rng)


def choose_longest(inputs: BaselineInputs) -> Int64[np.ndarray, "chosen"]:
    """Rows with the longest responses."""
    return choose_longest_rows(inputs.lengths, inputs.inside, inputs.costs, inputs.size, inputs.rng)


def choose_k_center(inputs: BaselineInputs) -> Int64[np.ndarray, "chosen"]:
    """Rows that leave no row far from the subset, by their vectors."""
    vectors = stack_vectors(inputs.table["vector"])
    return choose_farthest_rows(vectors, inputs.inside, inputs.costs, inputs.size, inputs.rng)


def choose_type_cover(inputs: BaselineInputs) -> Int64[np.ndarray, "chosen"]:
    """Rows that carry the most new token types of the response's mid band per trained token."""
    incidence, _ = build_incidence(inputs.table, inputs.ids, inputs.inside)
    return choose_covering_rows(incidence, inputs.lengths + 1, inputs.inside, inputs.costs, inputs.size, inputs.rng)


def choose_token_entropy(inputs: BaselineInputs) -> Int64[np.ndarray, "chosen"]:
    """Rows that raise the entropy of the subset's tokens most."""
    tokens = flatten_lists(inputs.table["tokens"])
    return choose_high_entropy_rows(*tokens, inputs.inside, inputs.costs, inputs.size, inputs.rng)


CHOOSERS: dict[str, Callable[[BaselineInputs], Int64[np.ndarray, "chosen"]]] = {
    "random": choose_random,
    "length-matched": choose_length_matched,
    "longest": choose_longest,
    "k-center": choose_k_center,
    "type-cover": choose_type_cover,
    "token-entropy": choose_token_entropy,
}
