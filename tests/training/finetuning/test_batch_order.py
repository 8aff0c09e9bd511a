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


def test_like_lengths_stand_together() -> None:
    lengths = np.random.default_rng(2).integers(1, 1000, 1600)
    order = order_batches(lengths, 8, 1, np.random.default_rng(1))
    spread = np.ptp(lengths[order], axis=1).mean()
    assert spread < np.ptp(lengths.reshape(-1, 8), axis=1).mean() / 5


def test_steps_are_not_sorted_by_length() -> None:
    lengths = np.arange(1, 1601)
    first = lengths[order_batches(lengths, 8, 1, np.random.default_rng(1))].mean(axis=1)
    assert abs(np.corrcoef(np.arange(len(first)), first)[0, 1]) < 0.3


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


def test_the_steps_of_one_window_are_not_sorted_by_length() -> None:
    lengths = np.arange(1, 129)  # 16 steps of 8 rows
    firsts = lengths[order_batches(lengths, 8, 1, np.random.default_rng(1))][:, 0]
    assert sorted(firsts) == list(range(1, 129, 8)) != firsts.tolist()
