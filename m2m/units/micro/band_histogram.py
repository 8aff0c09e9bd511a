"""The token-band table → a histogram over frequency, and examples of each band."""

import polars as pl

from m2m.units.micro.token_bands import BANDS

EXAMPLES = 9


def band_histogram(bands: pl.DataFrame) -> pl.DataFrame:
    """Types and occurrences in bins of doubling width, each within one band; `bands` as in schema Bands."""
    binned = bands.with_columns(bin=pl.col("count").log(2).floor())
    grouped = binned.group_by("band", "bin").agg(
        pl.col("count").min(), types=pl.len().cast(pl.Int64), occurrences=pl.col("count").sum().alias("occurrences")
    )
    return grouped.sort("count").select("band", "count", "types", "occurrences")


def band_examples(bands: pl.DataFrame) -> dict[str, list[str]]:
    """Up to nine readable token texts a band, spread evenly over its types from frequent to rare."""
    words = bands.filter(pl.col("text").str.strip_chars().str.contains(r"^[\p{L}\p{N}_]{2,12}$"))
    found: dict[str, list[str]] = {}
    for name in BANDS:
        texts = words.filter(pl.col("band") == name).sort("count", "token", descending=[True, False])["text"]
        texts = texts.str.strip_chars().unique(maintain_order=True)
        found[name] = texts.gather_every(max(1, len(texts) // EXAMPLES)).head(EXAMPLES).to_list()
    return found
