"""One side of the pairs → raw tags, the table tag → canonical tag, and meso units."""

from math import ceil
from pathlib import Path
from typing import Literal

from stages.core.normaliser import carried, normalised
from stages.core.phrases import key_phrases
from stages.io.command import run
from stages.io.tables import read_table, write_table
from stages.schemas.pairs import Pairs
from stages.schemas.tags import Canon, Tags
from stages.schemas.units import Units


def main(
    pairs: Path,
    tags: Path,
    canon: Path,
    units: Path,
    /,
    *,
    side: Literal["instruction", "response"],
    per_text: int,
    max_words: int,
    min_share: float,
    max_share: float,
    max_distance: float,
    min_support_share: float,
    min_confidence: float,
    model: str,
    revision: str,
    precision: Literal["float32", "bfloat16"],
    batch_size: int,
    max_tokens: int,
) -> None:
    """Thresholds are shares of the pool's rows, so that they grow with it."""
    from stages.io.embedder import embed, load_embedder

    table = read_table(pairs, Pairs).sort("id")
    raw = key_phrases(table["id"].to_list(), table[side].to_list(), per_text, max_words, min_share, max_share)
    raw = raw.sort("id", "tag")
    embedder = load_embedder(model, revision, precision, max_tokens)
    names = normalised(
        raw,
        lambda texts: embed(embedder, texts, batch_size),
        min_rows=ceil(min_share * len(table)),
        max_distance=max_distance,
        min_support=ceil(min_support_share * len(table)),
        min_confidence=min_confidence,
    )
    write_table(tags, Tags, raw)
    write_table(canon, Canon, names)
    write_table(units, Units, carried(raw, names).rename({"tag": "unit"}))


if __name__ == "__main__":
    run(main)
