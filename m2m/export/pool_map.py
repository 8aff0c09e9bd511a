"""Places the rows of a pool in two dimensions: by their embeddings where there are some, else by their words."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt16

LEVELS = 4096  # of each axis: finer than any screen
MOST_EXACT = 20_000  # rows: exact neighbours take time with rows²
OUTLIERS = 0.001  # of the rows at each end: they may add a quarter to an axis, for they leave little to the others
NEIGHBORS = 15
WORDS = 20_000  # the most frequent
BY_EMBEDDINGS = "Rows are placed by UMAP of their embeddings: near rows have similar meaning."
BY_WORDS = (
    "Rows are placed by their words: the second and third component of a truncated SVD of TF-IDF, each row scaled to "
    "length 1. Near rows share words."
)


class PoolMap(NamedTuple):
    """The place of each row, and how it was found."""

    places: UInt16[np.ndarray, "rows 2"]  # 0 … LEVELS − 1
    method: str


def place_rows(texts: list[str], vectors: Float32[np.ndarray, "rows dim"] | None, seed: int) -> PoolMap:
    """A place for each row of `texts`; `vectors` are their embeddings of norm 1.

    UMAP needs five rows: below that, words are used.
    """
    if vectors is not None and len(texts) >= 5:
        return PoolMap(_scale(_reduce_embeddings(vectors, seed)), BY_EMBEDDINGS)
    return PoolMap(_scale(_reduce_words(texts, seed)), BY_WORDS)


def _reduce_embeddings(vectors: Float32[np.ndarray, "rows dim"], seed: int) -> Float32[np.ndarray, "rows 2"]:
    from m2m.units.macro.clusters import reduce_vectors

    return reduce_vectors(vectors, seed, NEIGHBORS, 2, "exact" if len(vectors) <= MOST_EXACT else "nndescent", False)


def _reduce_words(texts: list[str], seed: int) -> Float32[np.ndarray, "rows 2"]:
    """The first component is how many usual words a row has: it is left out. Rows without any word are at 0, 0."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        max_features=WORDS, sublinear_tf=True, dtype=np.float32, token_pattern=r"(?u)\w+", min_df=min(2, len(texts))
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:  # no word at all, or none that two rows share
        return np.zeros((len(texts), 2), np.float32)
    if min(weights.shape) < 4:  # a plane needs three components, and the solver one more
        return np.zeros((len(texts), 2), np.float32)
    with np.errstate(invalid="ignore"):  # the share of variance, unused here, is 0 / 0 where all rows are equal
        components = TruncatedSVD(3, random_state=seed).fit_transform(weights)
    norms = np.maximum(np.linalg.norm(components, axis=1, keepdims=True), 1e-9)
    plane: Float32[np.ndarray, "rows 2"] = (components / norms)[:, 1:]
    return plane


def _scale(plane: Float32[np.ndarray, "rows 2"]) -> UInt16[np.ndarray, "rows 2"]:
    """Each axis over its whole width, outliers at its ends; an axis without spread is in the middle."""
    usual = np.quantile(plane, [OUTLIERS, 1 - OUTLIERS], axis=0)
    reach = (usual[1] - usual[0]) / 4
    low, high = np.maximum(plane.min(axis=0), usual[0] - reach), np.minimum(plane.max(axis=0), usual[1] + reach)
    spread = high - low
    shares = np.where(spread > 0, (np.clip(plane, low, high) - low) / np.where(spread > 0, spread, 1), 0.5)
    scaled: UInt16[np.ndarray, "rows 2"] = np.round(shares * (LEVELS - 1)).astype(np.uint16)
    return scaled
