"""Turns one side of a subset into its diversity metrics."""

import gzip

import numpy as np
from jaxtyping import Float, Int, Int64

from m2m.arrays import entropy_bits
from m2m.diversity.embedding_spread import embedding_distance, vendi_score
from m2m.diversity.ngrams import count_ngrams, ngram_ratios
from m2m.diversity.self_bleu import self_bleu


def measure_side(
    tokens: Int[np.ndarray, "tokens"],
    offsets: Int64[np.ndarray, "rows+1"],
    texts: list[str],
    vectors: Float[np.ndarray, "rows dim"],
) -> dict[str, float]:
    """Every metric of one side by name; rows in the same order throughout, sorted by id (gzip sees the order).

    `tokens` are model token ids from 0, row r is `tokens[offsets[r]:offsets[r + 1]]`. ValueError for fewer than two
    rows, for inputs of different lengths, and where no row has a token.
    """
    _check_rows(len(offsets) - 1, len(texts), len(vectors), len(tokens))
    counts = count_ngrams(tokens, offsets)
    ratios = ngram_ratios(counts)
    return {
        "ngram_ratio": float(np.mean(ratios)),
        **{f"ngram_ratio_{n}": float(ratio) for n, ratio in enumerate(ratios, 1)},
        "embedding_distance": embedding_distance(vectors),
        "mean_tokens": len(tokens) / len(texts),
        "compression_ratio": compression_ratio(texts),
        "self_bleu": self_bleu(counts, np.diff(offsets)),
        "token_entropy": entropy_bits(np.bincount(tokens)),
        "vendi": vendi_score(vectors),
    }


def compression_ratio(texts: list[str]) -> float:
    """Bytes / gzip-9 bytes of the newline-joined texts in UTF-8; higher means more repetition. Depends on their order.

    Shaib et al. 2024 (arXiv 2403.00553), compressed once.
    """
    raw = "\n".join(texts).encode()
    return len(raw) / len(gzip.compress(raw, compresslevel=9, mtime=0))


def _check_rows(rows: int, texts: int, vectors: int, tokens: int) -> None:
    if not rows == texts == vectors:
        raise ValueError(f"tokens, texts and vectors must be of the same rows, got {rows}, {texts} and {vectors}")
    if rows < 2:
        raise ValueError(f"diversity is between rows: at least 2 are needed, got {rows}")
    if not tokens:
        raise ValueError(f"none of the {rows} rows has a token: there is nothing to measure")
