"""Turns n-gram counts into self-BLEU: how much each text repeats the others."""

import numpy as np
from jaxtyping import Float64, Int32, Int64

from stages.core.ngrams import NgramCounts

SMOOTHED = 0.1  # stands for a count of zero: method 1 of Chen and Cherry 2014, with NLTK's epsilon


def self_bleu(counts: list[NgramCounts], lengths: Int64[np.ndarray, "texts"]) -> float:
    """Mean BLEU-4 of each text against all the others, 0..1, higher means less diverse; at least two texts.

    BLEU: Papineni et al. 2002; self-BLEU: Zhu et al. 2018 (arXiv 1802.01886). Equal to NLTK's sentence_bleu with
    method1 smoothing: closest reference length with ties to the shorter, 0 where no single token matches.
    Exact without comparing pairs: a text is clipped by the largest count of an n-gram in any text, or by the second
    largest where it owns the largest.
    """
    if len(lengths) < 2:
        raise ValueError(f"self-BLEU compares a text with others: at least 2 texts are needed, got {len(lengths)}")
    matches = [np.bincount(c.text, _clipped(c), len(lengths)) for c in counts]
    logs = [
        np.log(np.where(match > 0, match, SMOOTHED) / np.maximum(lengths - n, 1)) for n, match in enumerate(matches)
    ]
    scores = _brevity(lengths) * np.exp(np.mean(logs, axis=0))
    return float(np.where(matches[0] > 0, scores, 0).mean())


def _clipped(counts: NgramCounts) -> Int32[np.ndarray, "pairs"]:
    """How much of each count some other text holds too: min(count, largest count in the others)."""
    ngram, _, times = counts
    if not len(ngram):
        return times
    starts = np.flatnonzero(np.diff(ngram, prepend=-1))
    largest = times == np.maximum.reduceat(times, starts)[ngram]
    owner = largest & (np.add.reduceat(largest, starts, dtype=np.int32) == 1)[ngram]
    second = np.maximum.reduceat(np.where(owner, 0, times), starts)
    return np.where(owner, second[ngram], times)


def _brevity(lengths: Int64[np.ndarray, "texts"]) -> Float64[np.ndarray, "texts"]:
    closest = _closest_others(lengths)
    return np.where(lengths > closest, 1.0, np.exp(1 - closest / np.maximum(lengths, 1)))


def _closest_others(lengths: Int64[np.ndarray, "texts"]) -> Float64[np.ndarray, "texts"]:
    sizes, position, texts = np.unique(lengths, return_inverse=True, return_counts=True)
    shorter = np.concatenate([[-np.inf], sizes[:-1]])
    longer = np.concatenate([sizes[1:], [np.inf]])
    nearest = np.where(sizes - shorter <= longer - sizes, shorter, longer)
    return np.where(texts > 1, sizes, nearest)[position]
