"""Extracts raw tags from texts: the key phrases of each by TF-IDF over word n-grams."""

from collections import Counter
from itertools import groupby

import numpy as np
import polars as pl
import regex as re  # type: ignore[import-untyped]
from jaxtyping import Float64, Int32

FIRST_LETTER, WORD_LETTER = (
    r"[\p{L}\p{Nl}\p{No}]",
    r"[\p{L}\p{M}\p{N}_]",
)  # of a word's characters, vowel signs among them
# words that a space, and nothing else, parts
RUN = re.compile(rf"(?<![\p{{L}}\p{{N}}_]\p{{M}}*){FIRST_LETTER}{WORD_LETTER}+(?: {FIRST_LETTER}{WORD_LETTER}+)*")


def extract_phrases(
    ids: list[str], texts: list[str], per_text: int, max_words: int, min_share: float, max_share: float
) -> pl.DataFrame:
    """The columns id, tag, sorted: the up to `per_text` phrases of a text that have the highest TF-IDF.

    A phrase is 1 … `max_words` words with no stop word (English) and no punctuation between them, as in RAKE (Rose et
    al. 2010), and occurs in `min_share` … `max_share` of the texts. The phrases of one text share no word, so that
    none is "negative" beside "non negative". Ties go to the alphabet. ValueError when no phrase occurs that often.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer=lambda text: list_phrases(text, max_words),
        min_df=max(min_share, 1 / len(texts)),
        max_df=max_share,
        sublinear_tf=True,
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise ValueError(_explain_no_phrase(texts, max_words, min_share, max_share)) from error
    names = vectorizer.get_feature_names_out().tolist()
    words = [name.split() for name in names]
    tags = []
    for row, key in enumerate(ids):
        begin, end = weights.indptr[row : row + 2]
        chosen = _choose(weights.indices[begin:end], weights.data[begin:end], words, per_text)
        tags += [(key, names[phrase]) for phrase in chosen]
    return pl.DataFrame(tags, schema={"id": pl.String, "tag": pl.String}, orient="row").sort("id", "tag")


def list_phrases(text: str, max_words: int) -> list[str]:
    """Every phrase of `text`, in lower case, as often as it occurs; phrases that repeat a word are left out."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    phrases = []
    for run in RUN.findall(text.lower()):
        for stopped, group in groupby(run.split(), ENGLISH_STOP_WORDS.__contains__):
            words = [] if stopped else list(group)
            grams = [words[i : i + size] for size in range(1, max_words + 1) for i in range(len(words) - size + 1)]
            phrases += [" ".join(gram) for gram in grams if len(set(gram)) == len(gram)]
    return phrases


def _explain_no_phrase(texts: list[str], max_words: int, min_share: float, max_share: float) -> str:
    """Why no phrase is left, in the words of params.yaml; scikit-learn names settings of its own."""
    counts = Counter(phrase for text in texts for phrase in set(list_phrases(text, max_words)))
    if not counts:
        return (
            f"none of {len(texts)} texts has a key phrase (a word of two letters that is no English stop word): "
            "set tag.engine to endpoint or local"
        )
    return (
        f"no key phrase occurs in tag.min_share {min_share:g} to tag.max_share {max_share:g} of {len(texts)} texts; "
        f"the most frequent is in {max(counts.values())} of them: lower min_share or raise max_share"
    )


def _choose(
    phrases: Int32[np.ndarray, "phrases"], weights: Float64[np.ndarray, "phrases"], words: list[list[str]], count: int
) -> list[int]:
    chosen: list[int] = []
    taken_words: set[str] = set()
    for phrase in phrases[np.lexsort((phrases, -weights))].tolist():
        if len(chosen) < count and taken_words.isdisjoint(words[phrase]):
            chosen.append(phrase)
            taken_words.update(words[phrase])
    return chosen
