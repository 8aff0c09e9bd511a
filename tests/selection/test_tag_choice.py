"""InsTag and MIG: against loops over sets, dense matrices, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.incidence import Incidence, group_pairs
from m2m.selection.tag_choice import MIG_COSINE, _propagate, choose_instag, choose_mig
from tests.selection.clouds import everything

Rows = list[set[int]]
ROWS = st.lists(st.sets(st.integers(0, 6), max_size=4), min_size=1, max_size=12)


def make_incidence(rows: Rows) -> Incidence:
    used = sorted(set().union(*rows))
    columns = np.array([(row, used.index(unit)) for row, units in enumerate(rows) for unit in units], np.int32)
    columns = columns.reshape(-1, 2)
    return group_pairs(columns[:, 0].copy(), columns[:, 1].copy(), len(rows), len(used))


@settings(deadline=None, max_examples=40)
@given(ROWS, st.integers(0, 99), st.data())
def test_instag_takes_the_row_with_most_tags_of_those_with_a_new_one(
    rows: Rows, seed: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(rows)))
    chosen = choose_instag(make_incidence(rows), *everything(len(rows)), size, np.random.default_rng(seed)).tolist()
    assert len(set(chosen)) == len(chosen) == size
    seen, last = set[int](), 99
    for turn, row in enumerate(chosen):
        free = set(range(len(rows))) - set(chosen[:turn])
        if not any(rows[other] - seen and len(rows[other]) <= last for other in free):
            seen, last = set(), 99
        having_new = [other for other in free if rows[other] - seen and len(rows[other]) <= last]
        assert len(rows[row]) == max((len(rows[other]) for other in having_new), default=0)
        assert rows[row] - seen or not having_new
        seen, last = seen | rows[row], len(rows[row])


def give_by_matrix(rows: Rows, quality: np.ndarray) -> np.ndarray:
    """What each row gives to each tag: the edges into a tag sum to 1, as in the published code."""
    used = sorted(set().union(*rows))
    carries = np.array([[unit in row for unit in used] for row in rows], np.float64)
    lengths = np.sqrt(carries.sum(axis=0))
    edges = carries.T @ carries / np.outer(lengths, lengths)
    edges[edges < MIG_COSINE] = 0
    np.fill_diagonal(edges, 1)
    return np.asarray((quality[:, None] * carries) @ (edges / edges.sum(axis=0, keepdims=True)))


@settings(deadline=None, max_examples=40)
@given(ROWS.filter(any), st.integers(0, 99), st.booleans(), st.data())
def test_mig_takes_the_row_along_which_information_rises_steepest(
    rows: Rows, seed: int, has_scores: bool, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(rows)))
    scores = np.random.default_rng(seed).permutation(len(rows)).astype(np.float64)
    quality = (scores + 1) / len(rows) if has_scores else np.ones(len(rows))
    asked = everything(len(rows))
    incidence, rng = make_incidence(rows), np.random.default_rng(seed)
    chosen = choose_mig(incidence, scores if has_scores else None, *asked, size, rng).tolist()
    assert len(set(chosen)) == len(chosen) == size
    given_rows = give_by_matrix(rows, quality)
    for turn in range(size):
        free = set(range(len(rows))) - set(chosen[:turn])
        slope = 0.8 * (given_rows[chosen[:turn]].sum(axis=0) + 1e-6) ** -0.2
        assert given_rows[chosen[turn]] @ slope == pytest.approx(max(given_rows[row] @ slope for row in free))


def test_mig_divides_what_a_tag_receives_by_the_edges_into_it() -> None:
    """Tag 0 joins tags 1 and 2, which do not join each other: a row of tag 0 gives less to tag 0 than to each."""
    rows: Rows = [{0, 1}] * 4 + [{0, 2}] * 4 + [{0}]
    given_rows = give_by_matrix(rows, np.ones(len(rows)))
    edge = 4 / np.sqrt(9 * 4)
    assert given_rows[8] == pytest.approx([1 / (1 + 2 * edge), edge / (1 + edge), edge / (1 + edge)])
    assert _propagate(make_incidence(rows)).toarray() == pytest.approx(given_rows)


def test_instag_goes_through_the_tags_and_starts_over() -> None:
    rows = [{0, 1, 2}, {0, 1}, {3}, set(), {0}]
    chosen = choose_instag(make_incidence(rows), *everything(5), 5, np.random.default_rng(0))
    assert chosen.tolist() == [0, 2, 1, 4, 3]


@pytest.mark.parametrize("name", ["instag", "mig"])
def test_rows_outside_take_no_part_and_costs_are_met_by_less_than_a_row(name: str) -> None:
    inside, costs = np.arange(50) % 2 == 0, np.arange(50) + 1
    incidence = make_incidence([{row % 5, row % 7} if row % 2 == 0 else set() for row in range(50)])
    rng = np.random.default_rng(0)
    if name == "mig":
        chosen = choose_mig(incidence, None, inside, costs, 200, rng)
    else:
        chosen = choose_instag(incidence, inside, costs, 200, rng)
    assert inside[chosen].all()
    assert costs[chosen[:-1]].sum() < 200 <= costs[chosen].sum()
