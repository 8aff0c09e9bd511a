"""Describes clusters of texts by their size and by the words that distinguish them."""

import numpy as np
import polars as pl
from jaxtyping import Int64

WORDS = 10  # a cluster


def describe_clusters(texts: list[str], labels: Int64[np.ndarray, "texts"]) -> pl.DataFrame:
    """The columns cluster, size, share of all texts, words; largest first. Noise, −1, always has a row."""
    words = rank_words(texts, labels, WORDS)
    size = {-1: 0} | dict(zip(*(column.tolist() for column in np.unique(labels, return_counts=True)), strict=True))
    order = sorted(size, key=lambda label: (-size[label], label))
    return pl.DataFrame(
        {
            "cluster": [str(label) for label in order],
            "size": [size[label] for label in order],
            "share": [size[label] / len(texts) for label in order],
            "words": [", ".join(words.get(label, [])) for label in order],
        }
    )


def rank_words(texts: list[str], groups: Int64[np.ndarray, "texts"], count: int) -> dict[int, list[str]]:
    """For each group, up to `count` words by class-based TF-IDF, highest first, ties by the alphabet.

    The weight of a word is its share of the group's words × log(1 + A / f): A words an average group has, f the word's
    occurrences in all groups (Grootendorst 2022, eq. 2). English stop words are left out; a group without a word has
    an empty list. ValueError when there is no word at all.
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

    names, place = np.unique(groups, return_inverse=True)
    vectorizer = CountVectorizer(stop_words="english")
    occurrences = csr_array(vectorizer.fit_transform(texts))
    member = csr_array((np.ones(len(texts)), (place, np.arange(len(texts)))), shape=(len(names), len(texts)))
    counts = member @ occurrences
    words, sizes = vectorizer.get_feature_names_out(), np.maximum(counts.sum(axis=1), 1)
    weights = np.log1p(counts.sum() / len(names) / counts.sum(axis=0))
    ranked = {}
    for group, name in enumerate(names.tolist()):
        begin, end = counts.indptr[group : group + 2]
        columns = counts.indices[begin:end]
        scores = counts.data[begin:end] / sizes[group] * weights[columns]
        ranked[name] = words[columns[np.lexsort((columns, -scores))[:count]]].tolist()
    return ranked
