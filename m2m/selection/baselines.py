"""Chooses the rows of each baseline by the table that it reads, without units."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64, Int32, Int64

from m2m.arrays import flatten_lists, stack_vectors
from m2m.selection.difficulty import choose_difficult_rows, rate_difficulty
from m2m.selection.facility_location import choose_facilities
from m2m.selection.far_apart import choose_deita, choose_gist
from m2m.selection.highest import choose_highest_rows
from m2m.selection.incidence import build_incidence
from m2m.selection.k_center import choose_farthest_rows
from m2m.selection.length_matched import choose_length_matched_rows
from m2m.selection.novelty import choose_novel_rows
from m2m.selection.tag_choice import choose_instag, choose_mig
from m2m.selection.target_match import choose_like_examples
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
    scores: Float64[np.ndarray, "rows"] | None = None
    """a number a row, the higher the better; NaN where it has none"""

    @property
    def request(self) -> tuple[Bool[np.ndarray, "rows"], Int64[np.ndarray, "rows"], int, np.random.Generator]:
        """What every baseline needs: which rows take part, their costs, how much to choose, and chance."""
        return self.inside, self.costs, self.size, self.rng


class Choice(NamedTuple):
    """The rows of a baseline, in their order, and a sentence where something must be told of them."""

    rows: Int64[np.ndarray, "chosen"]
    note: str = ""


def choose_random(inputs: BaselineInputs) -> Choice:
    """Rows as likely as each other."""
    return Choice(inputs.random_rows.astype(np.int64))


def choose_length_matched(inputs: BaselineInputs) -> Choice:
    """Random rows with the response lengths of the matched subset; ValueError without one."""
    if inputs.matched_rows is None:
        raise ValueError("length-matched rows need the rows of another subset: set subset.match")
    return Choice(choose_length_matched_rows(inputs.lengths, inputs.inside, inputs.matched_rows, inputs.rng))


def choose_longest(inputs: BaselineInputs) -> Choice:
    """Rows with the longest responses."""
    return Choice(choose_highest_rows(inputs.lengths, *inputs.request))


def choose_k_center(inputs: BaselineInputs) -> Choice:
    """Rows that leave no row far from the subset, by their vectors."""
    return Choice(choose_farthest_rows(stack_vectors(inputs.table["vector"]), *inputs.request))


def choose_type_cover(inputs: BaselineInputs) -> Choice:
    """Rows that carry the most new token types of the response's mid band per trained token."""
    incidence, _ = build_incidence(inputs.table, inputs.ids, inputs.inside)
    return Choice(choose_covering_rows(incidence, inputs.lengths + 1, *inputs.request))


def choose_token_entropy(inputs: BaselineInputs) -> Choice:
    """Rows that raise the entropy of the subset's tokens most."""
    tokens, offsets = flatten_lists(inputs.table["tokens"])
    return Choice(choose_high_entropy_rows(tokens, offsets, *inputs.request))


def choose_facility_location(inputs: BaselineInputs) -> Choice:
    """Rows that leave a near row for every row, by exact lazy greedy."""
    return Choice(choose_facilities(stack_vectors(inputs.table["vector"]), *inputs.request))


def choose_stochastic_facilities(inputs: BaselineInputs) -> Choice:
    """The same by stochastic greedy, so that seeds differ."""
    return Choice(choose_facilities(stack_vectors(inputs.table["vector"]), *inputs.request, "stochastic"))


def choose_apart_by_utility(inputs: BaselineInputs) -> Choice:
    """Rows of high score and far from each other, by GIST."""
    return Choice(choose_gist(stack_vectors(inputs.table["vector"]), inputs.scores, *inputs.request))


def choose_best_apart(inputs: BaselineInputs) -> Choice:
    """Rows by falling score that are unlike all before, by DEITA; ValueError without scores."""
    if inputs.scores is None:
        raise ValueError("deita chooses by a score: set subset.quality to a number field of the records")
    rows, passes = choose_deita(stack_vectors(inputs.table["vector"]), inputs.scores, *inputs.request)
    note = f"fewer rows than asked for are unlike all others: deita's filter started over {passes - 1} times"
    return Choice(rows, note if passes > 1 else "")


def choose_most_tags(inputs: BaselineInputs) -> Choice:
    """Rows with most tags, each with a new one, by InsTag."""
    return Choice(choose_instag(build_incidence(inputs.table, inputs.ids, inputs.inside)[0], *inputs.request))


def choose_tag_information(inputs: BaselineInputs) -> Choice:
    """Rows that add most information to the graph of tags, by MIG."""
    incidence, _ = build_incidence(inputs.table, inputs.ids, inputs.inside)
    return Choice(choose_mig(incidence, inputs.scores, *inputs.request))


def choose_novel(inputs: BaselineInputs) -> Choice:
    """Rows that are far from those before and in dense places, by NovelSelect."""
    return Choice(choose_novel_rows(stack_vectors(inputs.table["vector"]), *inputs.request))


def choose_like_target(inputs: BaselineInputs) -> Choice:
    """Rows like a person's examples, by BM25 or RDS+; ValueError without examples."""
    scores = stack_scores(inputs.table)
    rows = choose_like_examples(scores, *inputs.request)
    without_match = int((scores[rows] <= 0).all(axis=1).sum())
    note = f"{without_match} of the {len(rows)} chosen rows match no example at all: they fill up the subset"
    return Choice(rows, note if without_match else "")


def stack_scores(table: pl.DataFrame) -> Float64[np.ndarray, "rows examples"]:
    """The scores of a table of examples (schema TargetScores) as a matrix; ValueError where there are none."""
    if not len(table["scores"][0]):
        raise ValueError(
            "bm25 and rds-plus choose rows like your examples: name their file, target.examples (select: --like FILE)"
        )
    return np.array(table["scores"].to_list())


def choose_difficult(inputs: BaselineInputs) -> Choice:
    """Rows whose instruction helps least, but helps, by IFD."""
    losses = (inputs.table[name].cast(pl.Float64).to_numpy() for name in ("conditioned", "unconditioned"))
    difficulty = rate_difficulty(*losses)
    rows = choose_difficult_rows(difficulty, *inputs.request)
    useless = int((inputs.inside & (difficulty >= 1)).sum())
    unknown = int((inputs.inside & np.isnan(difficulty)).sum())
    note = f"ifd leaves out {useless} rows that their instruction makes no likelier, and {unknown} without a difficulty"
    return Choice(rows, note if useless + unknown else "")


CHOOSERS: dict[str, Callable[[BaselineInputs], Choice]] = {
    "random": choose_random,
    "length-matched": choose_length_matched,
    "longest": choose_longest,
    "k-center": choose_k_center,
    "type-cover": choose_type_cover,
    "token-entropy": choose_token_entropy,
    "facility-location": choose_facility_location,
    "stochastic-facilities": choose_stochastic_facilities,
    "gist": choose_apart_by_utility,
    "deita": choose_best_apart,
    "instag": choose_most_tags,
    "mig": choose_tag_information,
    "novel-select": choose_novel,
    "bm25": choose_like_target,
    "ifd": choose_difficult,
    "rds-plus": choose_like_target,
}
