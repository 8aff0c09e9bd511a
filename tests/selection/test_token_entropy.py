"""Greedy on token entropy: against brute force where all rows are at hand, against random where few are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from m2m.arrays import entropy_bits
from m2m.selection.token_entropy import choose_high_entropy_rows

ALL = 1e-300  # so that every row is at hand at each step

Rows = list[list[int]]
ROWS = st.lists(st.lists(st.integers(0, 12), max_size=9), min_size=1, max_size=40)


def chosen_of(rows: Rows, size: int, seed: int, miss: float = ALL) -> list[int]:
    tokens = np.array([token for row in rows for token in row], np.int32)
    offsets = np.append(0, np.cumsum([len(row) for row in rows]))
    every, costs = np.ones(len(rows), np.bool_), np.ones(len(rows), np.int64)
    return choose_high_entropy_rows(tokens, offsets, every, costs, size, np.random.default_rng(seed), miss).tolist()


def entropy_of(rows: Rows, chosen: list[int]) -> float:
    tokens = np.array([token for row in chosen for token in rows[row]], np.int64)
    return entropy_bits(np.bincount(tokens, minlength=1))


@given(ROWS, st.integers(0, 99), st.data())
def test_each_row_raises_the_entropy_most(rows: Rows, seed: int, data: st.DataObject) -> None:
    chosen = chosen_of(rows, data.draw(st.integers(1, len(rows))), seed)
    assert len(set(chosen)) == len(chosen)
    for turn, row in enumerate(chosen):
        free = set(range(len(rows))) - set(chosen[:turn])
        best = max(entropy_of(rows, [*chosen[:turn], other]) for other in free)
        assert entropy_of(rows, [*chosen[:turn], row]) >= best - 1e-9


def zipf(rows: int, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    return [rng.zipf(1.5, size=rng.integers(1, 40)).clip(0, 500).tolist() for _ in range(rows)]


def test_200_rows_are_chosen_as_brute_force_does() -> None:
    rows = zipf(200, 1)
    chosen: list[int] = []
    for _ in range(20):
        free = sorted(set(range(200)) - set(chosen))
        chosen.append(max(free, key=lambda row: entropy_of(rows, [*chosen, row])))
    assert sorted(chosen_of(rows, 20, 0)) == sorted(chosen)


def test_a_few_rows_at_hand_come_close_to_all_and_far_above_random() -> None:
    rows = zipf(1000, 2)
    whole, few = (entropy_of(rows, chosen_of(rows, 100, 0, miss)) for miss in (ALL, 0.01))
    random = entropy_of(rows, np.random.default_rng(0).permutation(1000)[:100].tolist())
    assert few > random + 0.9 * (whole - random)


def test_seeds_differ_where_not_all_rows_are_at_hand() -> None:
    rows = zipf(300, 3)
    assert set(chosen_of(rows, 50, 0, 0.01)) != set(chosen_of(rows, 50, 1, 0.01))


def test_the_whole_pool_is_returned_whole_and_rows_without_tokens_add_nothing() -> None:
    assert sorted(chosen_of([[], [1], [], [1]], 4, 0)) == [0, 1, 2, 3]
    assert chosen_of([[], [1, 2], []], 1, 0) == [1]
    assert chosen_of([[]], 1, 0) == [0]


def test_rows_outside_take_no_part_and_costs_are_met_by_less_than_a_row() -> None:
    offsets = np.arange(51) * 3
    tokens = np.random.default_rng(0).integers(0, 40, 150).astype(np.int32)
    inside, costs = np.arange(50) % 2 == 0, np.arange(50) + 1
    chosen = choose_high_entropy_rows(tokens, offsets, inside, costs, 200, np.random.default_rng(0))
    assert inside[chosen].all()
    assert costs[chosen[:-1]].sum() < 200 <= costs[chosen].sum()


def test_rows_outside_change_nothing() -> None:
    rows = [np.random.default_rng(at).zipf(1.5, 20).clip(0, 500).astype(np.int32) for at in range(100)]
    chosen = []
    for some, inside in ((rows, np.arange(100) % 2 == 0), (rows[::2], np.ones(50, np.bool_))):
        offsets, ones = 20 * np.arange(len(some) + 1), np.ones(len(some), np.int64)
        chosen.append(
            choose_high_entropy_rows(np.concatenate(some), offsets, inside, ones, 20, np.random.default_rng(0))
        )
    assert (chosen[0] == 2 * chosen[1]).all()
