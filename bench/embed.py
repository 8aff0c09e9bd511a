"""Times embedding against the defaults of sentence-transformers at the same token limit, and compares the vectors.

`python -m bench.embed [--pool pool.parquet] [--rows 2000] [--batch_size 16] [--max_tokens 128]`: the texts are made-up
words in log-normal lengths, or the responses of the pool given. The model is loaded before. bfloat16 has a row where
the CPU has bfloat16.
"""

import argparse
from typing import Literal

import numpy as np
import polars as pl

from bench.report import header, show, timed
from m2m.text.embedder import PACKAGED, embed, load_embedder

SYLLABLES = ["ka", "lo", "mi", "ne", "ru", "ta", "vo", "shi", "pe", "dan", "gor", "fel", "ist", "ung", "al", "bre"]


def made_up(rows: int) -> list[str]:
    """Median 45 words a text; a word is two or three syllables."""
    rng = np.random.default_rng(1)
    counts = np.exp(rng.normal(np.log(45), 1, rows)).astype(int) + 1
    words = ["".join(rng.choice(SYLLABLES, rng.integers(2, 4))) for _ in range(5_000)]
    return [" ".join(words[index] for index in rng.integers(0, len(words), count)) for count in counts]


def precisions() -> list[Literal["float32", "bfloat16"]]:
    import torch

    has = torch.cpu.get_capabilities()
    return ["float32", "bfloat16"] if has.get("avx512_bf16") or has.get("amx_bf16") else ["float32"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--batch_size", type=int, default=16)
    parser.add_argument("--max_tokens", type=int, default=128)
    chosen = parser.parse_args()
    texts = made_up(chosen.rows)
    if chosen.pool:
        texts = pl.read_parquet(chosen.pool, columns=["response"])["response"].sample(chosen.rows, seed=1).to_list()
    plain = load_embedder(PACKAGED, "main", "float32", chosen.max_tokens)
    plain.encode(texts[:64])  # warm
    peer_vectors, peer_seconds = timed(lambda: plain.encode(texts, show_progress_bar=False))
    peer_vectors /= np.linalg.norm(peer_vectors, axis=1, keepdims=True)
    header()
    for precision in precisions():
        embedder = load_embedder(PACKAGED, "main", precision, chosen.max_tokens)
        embed(embedder, texts[:64], chosen.batch_size)
        vectors, seconds = timed(lambda embedder=embedder: embed(embedder, texts, chosen.batch_size))  # type: ignore[misc]
        case = f"embed, {chosen.max_tokens} tokens, {precision}, batches of {chosen.batch_size}"
        show(case, len(texts), seconds, "sentence-transformers' defaults, fp32", peer_seconds)
        print(f"cosine to the peer's fp32 vectors: {(vectors * peer_vectors).sum(axis=1).mean():.6f} on average")


if __name__ == "__main__":
    main()
