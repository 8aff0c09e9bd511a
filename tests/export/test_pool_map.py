"""Rows that share words or meaning lie together; degenerate pools have a map as well."""

import numpy as np
import pytest

from m2m.export.pool_map import BY_EMBEDDINGS, BY_WORDS, LEVELS, _scale, place_rows

RIVERS = [f"the river {word} flows to the sea" for word in ("rhine", "danube", "elbe", "rhone", "loire", "tagus")]
NUMBERS = [f"add two integers {word} and return their sum" for word in ("six", "ten", "one", "two", "four", "nine")]
COOKING = [f"boil some rice with {word} in a pot" for word in ("salt", "milk", "beans", "peas", "oil", "corn")]


def is_apart(places: np.ndarray, size: int) -> bool:
    """Whether each row's nearest row is of its own group; groups of `size` follow each other."""
    distances = np.linalg.norm(places[:, None].astype(float) - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return bool((distances.argmin(axis=1) // size == np.arange(len(places)) // size).all())


def test_rows_that_share_words_lie_together() -> None:
    found = place_rows([*RIVERS, *NUMBERS, *COOKING] * 2, None, seed=1)
    assert found.method == BY_WORDS
    assert is_apart(found.places[:18], 6)
    assert found.places.min() == 0 and found.places.max() == LEVELS - 1


def test_the_same_rows_and_seed_give_the_same_map() -> None:
    texts = [*RIVERS, *NUMBERS, *COOKING]
    assert (place_rows(texts, None, seed=3).places == place_rows(texts, None, seed=3).places).all()


@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
def test_rows_with_near_embeddings_lie_together() -> None:
    rng = np.random.default_rng(1)
    vectors = np.repeat(np.eye(3, 8), 20, axis=0) + rng.normal(0, 0.05, (60, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    found = place_rows(["same"] * 60, vectors, seed=1)
    assert found.method == BY_EMBEDDINGS
    assert is_apart(found.places, 20)
    assert (found.places == place_rows(["same"] * 60, vectors, seed=1).places).all()


@pytest.mark.parametrize(
    "texts", [["one"], ["", ""], ["…", "!", "?"], ["same text"] * 9, ["a", "b", "c", "d", "e"]], ids=len
)
def test_a_pool_without_shared_words_has_a_map(texts: list[str]) -> None:
    places = place_rows(texts, None, seed=1).places
    assert places.shape == (len(texts), 2) and places.max() < LEVELS


def test_one_far_row_leaves_the_map_to_the_others() -> None:
    plane = np.array([[row / 2000, 1 - row / 2000] for row in range(2000)] + [[1000.0, -1000.0]], np.float32)
    places = _scale(plane)
    assert places[0].tolist() == [0, LEVELS - 1] and places[-1].tolist() == [LEVELS - 1, 0]
    assert places[1999][0] / LEVELS == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 30])
@pytest.mark.parametrize("text", ["", "!?", "alpha", "alpha beta gamma delta epsilon zeta", "\U0001f600 \u200d"])
def test_rows_that_are_all_equal_are_placed_in_the_middle_without_a_warning(rows: int, text: str) -> None:
    places = place_rows([f"{text}{'!' * row}" for row in range(rows)], None, 1).places
    assert np.ptp(places, axis=0).max() == 0 and places.shape == (rows, 2)
