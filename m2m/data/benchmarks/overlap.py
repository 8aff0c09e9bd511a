"""Candidate pool and evaluation prompts → the rows that share text with a prompt, each with the shared words."""

from collections.abc import Iterable
from functools import partial

import polars as pl

from m2m.data.records.exchanges import PART_BREAK, SPEAKERS
from m2m.data.records.word_windows import encode_words, hash_windows, number_words, split_words
from m2m.parallel import map_slices
from m2m.strategies import SIDES

GRAM = 13  # words in a row, as in the data reports of GPT-3 and Llama
CHUNK_ROWS = 20_000
TURN_LABEL = rf"^\s*(?:{'|'.join(SPEAKERS.values())}): "  # of an earlier turn
JOINED = pl.col("words").list.join(" ")
OVERLAP_COLUMNS = {
    "id": pl.String,
    "prompt": pl.String,
    "field": pl.String,
    "kind": pl.String,
    "grams": pl.Int64,
    "text": pl.String,
}


def find_overlaps(pool: pl.DataFrame, prompts: pl.DataFrame) -> pl.DataFrame:
    """The overlaps of `pool` (id, instruction, response) with `prompts` (id, instruction), as schema Overlaps has them.

    Only words count, without case and marks. 13-gram: a side holds 13 words in a row of a prompt. exact: all words of a
    side are those of a prompt. For a prompt of fewer than 13 words, parts of a side in a row count too. Parts stand
    between blank lines: the system prompt, the input and each earlier turn are some. The `User: ` before a turn is none
    of its words. Only runs of fewer than 13 words are compared, so 120,000 rows take seconds.
    """
    return find_table_overlaps([pool], prompts)


def find_table_overlaps(slices: Iterable[pl.DataFrame], prompts: pl.DataFrame) -> pl.DataFrame:
    """The same of a pool that comes in `slices`."""
    words = prompts.select(prompt="id", words=split_words(pl.col("instruction"))).filter(pl.col("words").list.len() > 0)
    match = partial(_match_chunk, words, *_list_grams(words))
    chunks = (chunk for table in slices for chunk in table.iter_slices(CHUNK_ROWS))
    tables = [pl.DataFrame(schema=OVERLAP_COLUMNS), *map_slices(match, chunks)]
    return pl.concat(tables).sort("id", "prompt", "field", "kind")


def _match_chunk(words: pl.DataFrame, grams: pl.DataFrame, codes: pl.DataFrame, chunk: pl.DataFrame) -> pl.DataFrame:
    tables = []
    for field in SIDES:
        sides = chunk.select("id", words=split_words(pl.col(field)))
        texts = pl.concat([sides.select("id", text=JOINED), _list_short_runs(chunk, field)])
        tables += [_match_exactly(texts, words, field), _match_grams(sides, grams, codes, field)]
    return pl.concat(tables)


def _list_grams(words: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hash, prompt and words of each 13-gram of the prompts; and a code from 1 for each of their words."""
    long = words.filter(pl.col("words").list.len() >= GRAM)
    codes = number_words(long["words"])
    return _list_windows(long.rename({"prompt": "id"}), codes).select("hash", "gram", prompt="id").unique(), codes


def _list_windows(texts: pl.DataFrame, codes: pl.DataFrame, hashes: pl.Series | None = None) -> pl.DataFrame:
    """id, hash and gram of the windows of `texts` (id, words), only of those with one of `hashes` where it is given."""
    words = encode_words(texts["words"], codes)
    starts, keys = hash_windows(words, GRAM)
    windows = pl.DataFrame({"start": starts, "hash": keys})
    if hashes is not None:
        windows = windows.filter(pl.col("hash").is_in(hashes.implode()))
    grams = [" ".join(words.texts[start : start + GRAM]) for start in windows["start"]]
    ids = texts["id"].gather(words.rows[windows["start"].to_numpy()])
    return windows.select(ids.alias("id"), "hash", pl.Series("gram", grams, pl.String))


def _list_short_runs(chunk: pl.DataFrame, field: str) -> pl.DataFrame:
    """id and text of each run of parts of a side that has fewer than 13 words; a part without words does not count."""
    parts = (
        chunk.filter(pl.col(field).str.contains(PART_BREAK, literal=True))
        .select("id", part=pl.col(field).str.split(PART_BREAK))
        .explode("part")
        .select("id", words=split_words(pl.col("part").str.replace(TURN_LABEL, "")))
        .select("id", text=JOINED, count=pl.col("words").list.len())
        .filter(pl.col("count") > 0)
        .with_row_index("last")
        .filter(pl.col("count") < GRAM)
    )
    tables = [parts]
    while tables[-1].height:
        longer = tables[-1].with_columns(pl.col("last") + 1).join(parts, on=["id", "last"])
        text, count = pl.format("{} {}", "text", "text_right"), pl.col("count") + pl.col("count_right")
        tables.append(longer.select("last", "id", text=text, count=count).filter(pl.col("count") < GRAM))
    return pl.concat(tables).select("id", "text")


def _match_exactly(texts: pl.DataFrame, words: pl.DataFrame, field: str) -> pl.DataFrame:
    matches = texts.join(words.select("prompt", text=JOINED), on="text").unique(["id", "prompt"])
    return matches.select(
        "id", "prompt", field=pl.lit(field), kind=pl.lit("exact"), grams=pl.lit(0, pl.Int64), text="text"
    )


def _match_grams(sides: pl.DataFrame, grams: pl.DataFrame, codes: pl.DataFrame, field: str) -> pl.DataFrame:
    windows = _list_windows(sides, codes, grams["hash"].unique())
    matches = windows.join(grams, on=["hash", "gram"], maintain_order="left")
    counts = matches.group_by("id", "prompt", maintain_order=True).agg(
        grams=pl.len().cast(pl.Int64), text=pl.first("gram")
    )
    kind = f"{GRAM}-gram"
    return counts.select("id", "prompt", field=pl.lit(field), kind=pl.lit(kind), grams="grams", text="text")
