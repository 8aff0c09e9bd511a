"""Bins the token-band table by frequency, and picks examples of each band."""

import polars as pl

from m2m.units.micro.token_bands import BAND_NAMES

EXAMPLES = 9


def build_histogram(bands: pl.DataFrame) -> pl.DataFrame:
    """Types and occurrences in bins of doubling width, each within one band; `bands` as in schema Bands."""
    binned = bands.with_columns(bin=pl.col("count").log(2).floor())
    grouped = binned.group_by("band", "bin").agg(
        pl.col("count").min(), types=pl.len().cast(pl.Int64), occurrences=pl.col("count").sum().alias("occurrences")
    )
    return grouped.sort("count").select("band", "count", "types", "occurrences")


def pick_examples(bands: pl.DataFrame) -> dict[str, list[str]]:
    """Up to nine readable token texts a band, spread evenly over its types from frequent to rare."""
    readable = bands.filter(pl.col("text").str.strip_chars().str.contains(r"^[\p{L}\p{N}_]{2,12}$"))
    examples: dict[str, list[str]] = {}
    for name in BAND_NAMES:
        texts = readable.filter(pl.col("band") == name).sort("count", "token", descending=[True, False])["text"]
        texts = texts.str.strip_chars().unique(maintain_order=True)
        examples[name] = texts.gather_every(max(1, len(texts) // EXAMPLES)).head(EXAMPLES).to_list()
    return examples
