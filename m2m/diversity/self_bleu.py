"""Turns n-gram counts into self-BLEU: how much each text repeats the others."""

import numpy as np
from jaxtyping import Float64, Int32, Int64

from m2m.diversity.ngrams import NgramCounts

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
    matches = [_matches(c, len(lengths)) for c in counts]
    logs = [
        np.log(np.where(match > 0, match, SMOOTHED) / np.maximum(lengths - n, 1)) for n, match in enumerate(matches)
    ]
    scores = _brevity(lengths) * np.exp(np.mean(logs, axis=0))
    return float(np.where(matches[0] > 0, scores, 0).mean())


def _matches(counts: NgramCounts, texts: int) -> Float64[np.ndarray, "texts"]:
    """How many n-grams of each text some other text holds too, each up to its largest count in the others."""
    first = np.diff(counts.ngram, prepend=-1) > 0
    shared = ~(first & np.append(first[1:], True))  # the few n-grams in two texts or more
    text, times, starts = counts.text[shared], counts.times[shared], np.flatnonzero(first[shared])
    return np.bincount(text, _clipped(times, starts), texts) if len(starts) else np.zeros(texts)


def _clipped(times: Int32[np.ndarray, "pairs"], starts: Int64[np.ndarray, "ngrams"]) -> Int32[np.ndarray, "pairs"]:
    """min(own count, largest count in the others) for n-grams that begin at `starts`."""
    texts = np.diff(starts, append=len(times))
    largest = times == np.repeat(np.maximum.reduceat(times, starts), texts)
    owner = largest & np.repeat(np.add.reduceat(largest, starts, dtype=np.int32) == 1, texts)
    second = np.maximum.reduceat(np.where(owner, 0, times), starts)
    return np.where(owner, np.repeat(second, texts), times)


def _brevity(lengths: Int64[np.ndarray, "texts"]) -> Float64[np.ndarray, "texts"]:
    closest = _closest_others(lengths)
    return np.where(lengths > closest, 1.0, np.exp(1 - closest / np.maximum(lengths, 1)))


def _closest_others(lengths: Int64[np.ndarray, "texts"]) -> Float64[np.ndarray, "texts"]:
    sizes, position, texts = np.unique(lengths, return_inverse=True, return_counts=True)
    shorter = np.concatenate([[-np.inf], sizes[:-1]])
    longer = np.concatenate([sizes[1:], [np.inf]])
    nearest = np.where(sizes - shorter <= longer - sizes, shorter, longer)
    return np.where(texts > 1, sizes, nearest)[position]
