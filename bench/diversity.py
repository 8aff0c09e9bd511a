"""Times self-BLEU and all diversity metrics of a synthetic 10K × 200-token subset; NLTK is the peer and the oracle."""

import sys

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from bench.report import header, show, timed
from m2m.diversity.metrics import measure_side
from m2m.diversity.ngrams import count_ngrams
from m2m.diversity.self_bleu import self_bleu

VOCABULARY, DIMENSIONS, SAMPLE = 32_000, 384, 60


def zipf_tokens(rng: np.random.Generator, rows: int, length: int) -> np.ndarray:
    """Independent tokens, probability falling with rank to the power 1.1; shape (rows, length)."""
    weights = np.arange(1, VOCABULARY + 1) ** -1.1
    return rng.choice(VOCABULARY, size=(rows, length), p=weights / weights.sum()).astype(np.int32)


def our_bleu(tokens: np.ndarray) -> float:
    rows, length = tokens.shape
    return self_bleu(count_ngrams(tokens.ravel(), np.arange(rows + 1) * length), np.full(rows, length))


def nltk_bleu(tokens: np.ndarray) -> float:
    texts, smooth = tokens.tolist(), SmoothingFunction().method1
    references = [texts[:i] + texts[i + 1 :] for i in range(len(texts))]
    return float(
        np.mean([sentence_bleu(o, t, smoothing_function=smooth) for o, t in zip(references, texts, strict=True)])
    )


def both_sides(sides: list[np.ndarray], rng: np.random.Generator) -> list[dict[str, float]]:
    metrics = []
    for tokens in sides:
        rows, length = tokens.shape
        vectors = rng.normal(size=(rows, DIMENSIONS)).astype(np.float32)
        texts = [" ".join(map(str, row)) for row in tokens.tolist()]
        metrics.append(measure_side(tokens.ravel(), np.arange(rows + 1) * length, texts, vectors))
    return metrics


def main(rows: int, length: int) -> None:
    rng = np.random.default_rng(0)
    tokens = zipf_tokens(rng, rows, length)
    header()
    _, seconds = timed(lambda: our_bleu(tokens))
    sample = tokens[:SAMPLE]
    peer_score, sample_seconds = timed(lambda: nltk_bleu(sample))
    difference = abs(our_bleu(sample) - peer_score)
    if difference > 1e-12:
        sys.exit(f"self-BLEU differs from NLTK's by {difference:.1e} on {len(sample)} texts: 1e-12 is allowed")
    peer = (
        f"NLTK on {len(sample)} texts ({sample_seconds:.2f} s, differs by {difference:.0e}), extrapolated quadratically"
    )
    show(f"self-BLEU, {rows} × {length} tokens", rows, seconds, peer, sample_seconds * (rows / len(sample)) ** 2)
    sides = [tokens, zipf_tokens(rng, rows, length)]
    _, seconds = timed(lambda: both_sides(sides, rng))
    show(f"all metrics, both sides, {rows} × {length} tokens", rows, seconds)


if __name__ == "__main__":
    main(*(map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (10_000, 200)))
