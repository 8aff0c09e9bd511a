"""Times every selector at the paper's size, 117,000 rows → 10,000, on made-up vectors in clusters and made-up tags.

`python -m bench.selectors [--rows 117000] [--size 10000] [NAME …]`: CPU seconds stand beside those of the clock, and
what was chosen has its NovelSum beside that of random rows.
"""

import argparse
from collections.abc import Callable
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from bench.report import header, show, timed
from bench.selection import synthetic
from m2m.selection.difficulty import choose_difficult_rows
from m2m.selection.facility_location import choose_facilities
from m2m.selection.far_apart import choose_deita, choose_gist
from m2m.selection.highest import choose_highest_rows
from m2m.selection.k_center import choose_farthest_rows
from m2m.selection.length_matched import choose_length_matched_rows
from m2m.selection.novelty import choose_novel_rows, measure_density, novel_sum
from m2m.selection.tag_choice import choose_instag, choose_mig
from m2m.selection.target_match import choose_like_examples, score_by_bm25, score_by_cosine
from m2m.selection.token_entropy import choose_high_entropy_rows

DIM, CLUSTERS, TAGS, EXAMPLES = 384, 500, 4, 30


def make_vectors(rows: int) -> np.ndarray:
    """Rows around centers, with a cosine of about a half to their own: what MiniLM gives for responses."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(CLUSTERS, DIM)).astype(np.float32)
    vectors = centers[rng.integers(0, CLUSTERS, rows)] + rng.normal(size=(rows, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class Texts(NamedTuple):
    """Token ids, and where each text begins."""

    tokens: np.ndarray
    offsets: np.ndarray


def make_texts(count: int, rng: np.random.Generator) -> Texts:
    """Texts of 1 to 200 tokens, of 32,000 types by Zipf's law."""
    offsets = np.append(0, rng.integers(1, 201, count).cumsum())
    return Texts((rng.zipf(1.2, offsets[-1]) % 32_000).astype(np.int32), offsets)


def list_cases(rows: int, size: int) -> dict[str, Callable[[], Any]]:
    vectors, tags = make_vectors(rows), synthetic(rows, TAGS)
    rng = np.random.default_rng(1)
    texts = make_texts(rows + EXAMPLES, rng)
    scores, lengths = rng.normal(size=rows), rng.integers(1, 900, rows)
    asked = np.ones(rows, np.bool_), np.ones(rows, np.int64), size, rng
    return {
        "random": lambda: rng.permutation(rows)[:size],
        "length-matched": lambda: choose_length_matched_rows(lengths, asked[0], rng.permutation(rows)[:size], rng),
        "longest": lambda: choose_highest_rows(lengths, *asked),
        "k-center": lambda: choose_farthest_rows(vectors, *asked),
        "token-entropy": lambda: choose_high_entropy_rows(texts.tokens, texts.offsets[: rows + 1], *asked),
        "k-center in four shards": lambda: choose_farthest_rows(vectors, *asked, exact_rows=rows // 2),
        "facility-location": lambda: choose_facilities(vectors, *asked),
        "facility-location in four shards": lambda: choose_facilities(vectors, *asked, exact_rows=rows // 2),
        "stochastic-facilities": lambda: choose_facilities(vectors, *asked, "stochastic"),
        "gist": lambda: choose_gist(vectors, scores, *asked),
        "deita": lambda: choose_deita(vectors, scores, *asked),
        "instag": lambda: choose_instag(tags, *asked),
        "mig": lambda: choose_mig(tags, None, *asked),
        "novel-select": lambda: choose_novel_rows(vectors, *asked),
        "ifd": lambda: choose_difficult_rows(np.abs(scores), *asked),
        "bm25": lambda: choose_like_examples(score_by_bm25(texts.tokens, texts.offsets, EXAMPLES), *asked),
        "rds-plus": lambda: choose_like_examples(score_by_cosine(vectors, vectors[:EXAMPLES]), *asked),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rows", type=int, default=117_000)
    parser.add_argument("--size", type=int, default=10_000)
    flags = parser.parse_args()
    for warm_up in list_cases(300, 20).values():  # compiles
        warm_up()
    header()
    rng, vectors = np.random.default_rng(2), make_vectors(flags.rows)
    densities = measure_density(vectors, rng)

    def rate(rows: np.ndarray) -> float:
        return novel_sum(vectors[rows], densities[rows])

    for name, choose in list_cases(flags.rows, flags.size).items():
        if not flags.names or name in flags.names:
            begin = process_time()
            chosen, seconds = timed(choose)
            spent = process_time() - begin
            show(f"{name}: {flags.size:,} chosen, {spent:.1f} CPU seconds", flags.rows, seconds)
            rows = chosen[0] if isinstance(chosen, tuple) else chosen
            random = rng.permutation(flags.rows)[: flags.size]
            print(f"NovelSum of {name}: {rate(rows):.3f}; of random rows: {rate(random):.3f}", flush=True)


if __name__ == "__main__":
    main()
