from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.training.finetuning.batch_order import EMPTY_PLACE, arrange_rows, order_batches


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200), st.integers(1, 9), st.integers(1, 3))
def test_every_row_is_seen_once_an_epoch_and_every_step_has_as_many_places(
    lengths: Any, batch_size: Any, epochs: Any
) -> None:
    order = order_batches(np.array(lengths), batch_size, epochs, np.random.default_rng(1))
    a_epoch = -(-len(lengths) // batch_size)
    assert order.shape == (epochs * a_epoch, batch_size)
    for at in range(0, len(order), a_epoch):
        seen = order[at : at + a_epoch].ravel()
        assert sorted(seen[seen != EMPTY_PLACE]) == list(range(len(lengths)))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200), st.integers(1, 9))
def test_the_longest_row_of_a_step_comes_first_and_empty_places_last(lengths: Any, batch_size: Any) -> None:
    order = order_batches(np.array(lengths), batch_size, 1, np.random.default_rng(1))
    padded = np.append(lengths, 0)[order]
    assert (np.diff(padded, axis=1) <= 0).all()


@given(st.integers(1, 200), st.integers(1, 9), st.integers(0, 99))
def test_which_rows_share_a_step_does_not_depend_on_their_lengths(rows: Any, batch_size: Any, seed: Any) -> None:
    orders = [
        order_batches(lengths, batch_size, 1, np.random.default_rng(seed))
        for lengths in (np.ones(rows, int), np.arange(rows) + 1)
    ]
    assert all((np.sort(order, axis=1) == np.sort(orders[0], axis=1)).all() for order in orders)


def test_a_step_holds_as_many_tokens_as_a_random_sample_and_steps_are_not_sorted() -> None:
    lengths = np.arange(1, 1601)
    means = lengths[order_batches(lengths, 8, 1, np.random.default_rng(1))].mean(axis=1)
    assert means.std() == pytest.approx(lengths.std() / 8**0.5, rel=0.2)  # sorted windows: 2.8 times as much
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.3


def test_micro_batches_of_two_rows_need_a_tenth_of_the_padding_of_the_whole_step() -> None:
    lengths = np.random.default_rng(2).integers(1, 1000, 1600)
    ordered = lengths[order_batches(lengths, 8, 1, np.random.default_rng(1))]
    padding, whole = ((2 * ordered[:, ::2]).sum() - lengths.sum(), 8 * ordered[:, 0].sum() - lengths.sum())
    assert padding < 0.15 * whole


def test_equal_seeds_give_equal_orders_and_others_do_not() -> None:
    one, again, other = (order_batches(np.ones(40, int), 8, 1, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_empty_places_hold_what_stands_for_no_row() -> None:
    assert arrange_rows(["a", "b"], np.array([[1, 0], [0, EMPTY_PLACE]]), "-") == ["b", "a", "a", "-"]


@pytest.mark.parametrize(("batch_size", "epochs", "name"), [(0, 1, "batch_size"), (4, 0, "epochs")])
def test_without_a_place_or_an_epoch_there_is_no_order(batch_size: int, epochs: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"finetune.{name} must be at least 1, got 0"):
        order_batches(np.arange(3), batch_size, epochs, np.random.default_rng(1))
