"""Rows as read → the pool, the held-out rows, and the rejects with their reasons; every row ends in one of them."""

from collections.abc import Mapping, Set
from typing import NamedTuple

import polars as pl

from m2m.data.pool.pretraining_text import extract_clauses
from m2m.data.records.cleaning import add_ids, flag_duplicates, flag_unusable_rows, fold_case
from m2m.data.records.hash_split import limit_rows, pick_heldout

PAIR = ["id", "source", "instruction", "response"]
PLACES = {"pool": "pool", "heldout": "held out", "rejects": "rejects"}


class Candidates(NamedTuple):
    """Sorted by id; rejects by source and row."""

    pool: pl.DataFrame
    heldout: pl.DataFrame
    rejects: pl.DataFrame


def split_candidates(
    rows: pl.DataFrame,
    corpus_texts: Set[str],
    limits: Mapping[str, int | None],
    *,
    seed: int,
    heldout_share: float,
    min_chars: int,
    max_chars: int,
) -> Candidates:
    """Clean, de-duplicate, split and limit `rows`, which has the columns of `clean.ROWS`.

    A row without a group is its own: its instruction is the group. ValueError when a source has nothing usable,
    nothing is left for the pool, or a limit is below 0.
    """
    if wrong := [source for source, limit in limits.items() if limit is not None and limit < 0]:
        raise ValueError(f"the limit of source {wrong[0]} must be 0 or more, or null for all, got {limits[wrong[0]]}")
    rows = flag_unusable_rows(rows.sort("source", "row"), min_chars, max_chars)
    rows = _not_in(corpus_texts, rows)
    _all_usable(rows, limits)
    rows = flag_duplicates(add_ids(rows)).with_columns(
        pl.coalesce("group", fold_case(pl.col("instruction"))).alias("group")
    )
    usable = rows.filter(pl.col("reason").is_null())
    held = usable.select("source", "row").with_columns(pick_heldout(usable, heldout_share, seed).alias("held"))
    rows = limit_rows(rows, limits, seed).join(held, on=["source", "row"], how="left")
    kept = rows.filter(pl.col("reason").is_null()).sort("id")
    rejects = rows.filter(pl.col("reason").is_not_null()).select("source", "row", "reason").sort("source", "row")
    pool = kept.filter(~pl.col("held")).select(PAIR)
    if pool.is_empty():
        raise ValueError(f"the pool is empty: {_told(rejects)}; raise a limit, or lower heldout_share")
    return Candidates(pool, kept.filter("held").select(PAIR), rejects)


def count_rows(found: Candidates) -> dict[str, dict[str, int]]:
    """For each source, in the order of their names: rows in the pool, held out, and rejected."""
    sources = pl.concat(table["source"] for table in found).unique().sort()
    return {
        source: {name: len(table.filter(source=source)) for name, table in found._asdict().items()}
        for source in sources
    }


def describe_rows(found: Candidates) -> list[str]:
    """A sentence a source: how many rows went where, and the reasons for the rejects."""
    return [
        f"{source}: {' + '.join(f'{rows} {PLACES[name]}' for name, rows in counts.items())} = {sum(counts.values())} "
        f"rows read{_reasons(found.rejects.filter(source=source))}"
        for source, counts in count_rows(found).items()
    ]


def _not_in(corpus_texts: Set[str], rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that are not from the split docstrings (no group) may still quote the corpus."""
    if not corpus_texts:
        return rows
    said = rows.filter(pl.col("reason").is_null() & pl.col("group").is_null())
    quoting = [
        {"source": source, "row": row, "quotes": "its text is in the corpus of the base model"}
        for source, row, *both in said.select("source", "row", "instruction", "response").iter_rows()
        if not all(corpus_texts.isdisjoint(extract_clauses(text)) for text in both)
    ]
    quotes = pl.DataFrame(quoting, schema={"source": pl.String, "row": pl.Int64, "quotes": pl.String})
    found = rows.join(quotes, on=["source", "row"], how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("reason", "quotes").alias("reason")).drop("quotes")


def _all_usable(rows: pl.DataFrame, limits: Mapping[str, int | None]) -> None:
    for source in sorted(limits):
        mine = rows.filter(pl.col("source") == source)
        if mine["reason"].null_count() == 0:
            raise ValueError(f"source {source!r} has nothing usable: {_told(mine)}; mend it or take it out of sources")


def _told(rejects: pl.DataFrame) -> str:
    return f"{len(rejects)} rows read{_reasons(rejects)}" if len(rejects) else "no row was read"


def _reasons(rejects: pl.DataFrame) -> str:
    kinds = rejects.select(pl.col("reason").str.replace("duplicate of .*", "duplicate"))["reason"]
    counts = kinds.value_counts().sort("count", "reason", descending=[True, False])
    return "".join(f"; {count} × {reason}" for reason, count in counts.head(4).iter_rows())
