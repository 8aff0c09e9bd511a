"""Rows as read → the pool, the held-out rows, and the rejects with their reasons; every row ends in one of them."""

from collections.abc import Mapping, Set
from typing import Literal, NamedTuple

import polars as pl

from m2m.data.pool.pretraining_text import extract_clauses
from m2m.data.records.cleaning import TEXT_COLUMNS, add_ids, flag_duplicates, flag_unusable_rows
from m2m.data.records.hash_split import limit_rows, pick_heldout
from m2m.data.records.near_duplicates import flag_near_duplicates

PAIR = ["id", "source", *TEXT_COLUMNS]
PLACE = ["source", "row", "turn"]
TABLE_NAMES = {"pool": "pool", "heldout": "held out", "rejects": "rejects"}
NEAR_SIMILARITY = 0.8  # Jaccard of shingles, from which two rows are near copies
SHOWN_REASONS = 8
USUAL_MIN_CHARS, USUAL_MAX_CHARS = 80, 4_000  # of the default pool, and of the profiles for larger models


class Candidates(NamedTuple):
    """Sorted by id; rejects by place; `origins`: source, row and turn of the pool's and the held-out rows."""

    pool: pl.DataFrame
    heldout: pl.DataFrame
    rejects: pl.DataFrame
    origins: pl.DataFrame


def split_candidates(
    rows: pl.DataFrame,
    corpus_texts: Set[str],
    limits: Mapping[str, int | None],
    *,
    seed: int,
    heldout_share: float,
    min_chars: int | None,
    max_chars: int | None,
    near_duplicates: Literal["keep", "drop"],
) -> Candidates:
    """Clean, de-duplicate, split and limit `rows`, which has the columns of `ROW_COLUMNS`.

    A row without a group is its own: its instruction is the group. ValueError when a source has nothing usable,
    nothing is left for the pool, or a setting is out of its range.
    """
    if below := [source for source, limit in limits.items() if limit is not None and limit < 0]:
        raise ValueError(f"the limit of source {below[0]} must be 0 or more, or null for all, got {limits[below[0]]}")
    if not 0 <= heldout_share < 1:
        raise ValueError(f"heldout_share must be at least 0 and below 1, got {heldout_share}")
    rows = flag_unusable_rows(rows.sort(PLACE), min_chars, max_chars)
    rows = _flag_quotes(corpus_texts, rows)
    _check_usable(rows, limits)
    rows = flag_duplicates(add_ids(rows))
    if near_duplicates == "drop":
        rows = flag_near_duplicates(rows, NEAR_SIMILARITY)
    usable = rows.filter(pl.col("reason").is_null())
    sides = usable.select(*PLACE).with_columns(pick_heldout(usable, heldout_share, seed).alias("is_heldout"))
    rows = limit_rows(rows, limits, seed).join(sides, on=PLACE, how="left", maintain_order="left")
    kept_rows = rows.filter(pl.col("reason").is_null()).sort("id")
    rejects = rows.filter(pl.col("reason").is_not_null()).sort(PLACE).select(*PLACE, "reason")
    pool = kept_rows.filter(~pl.col("is_heldout")).select(PAIR)
    if pool.is_empty():
        raise ValueError(f"the pool is empty: {_summarize_rejects(rejects)}; raise a limit, or lower heldout_share")
    return Candidates(pool, kept_rows.filter("is_heldout").select(PAIR), rejects, kept_rows.select("id", *PLACE))


def count_rows(candidates: Candidates) -> dict[str, dict[str, int]]:
    """For each source, in the order of their names: rows in the pool, held out, and rejected."""
    tables = {name: table["source"] for name, table in candidates._asdict().items() if name in TABLE_NAMES}
    sources = pl.concat(tables.values()).unique().sort()
    return {source: {name: int((column == source).sum()) for name, column in tables.items()} for source in sources}


def describe_rows(candidates: Candidates, left_out: Mapping[str, int]) -> list[str]:
    """A sentence a source: how many rows went where, the reasons of the rejects, and the exchanges left out."""
    sentences = []
    for source, counts in count_rows(candidates).items():
        places = [f"{rows} {TABLE_NAMES[name]}" for name, rows in counts.items()]
        total, unit = sum(counts.values()), "rows"
        if further := left_out.get(source, 0):
            places.append(f"{further} exchanges left out (turns: each keeps them)")
            total, unit = total + further, "exchanges"
        reasons = list_reasons(candidates.rejects.filter(source=source))
        sentences.append(f"{source}: {' + '.join(places)} = {total} {unit} read{reasons}")
    return sentences


def describe_reasoning(answers: int) -> list[str]:
    """A sentence on the answers whose reasoning stood in a field of its own; empty for none."""
    return [f"{answers:,} answers came with reasoning apart, which was left out"] if answers else []


def describe_absent_limits(candidates: Candidates, min_chars: int | None, max_chars: int | None) -> list[str]:
    """A sentence for each limit that is off: how many of the kept rows a usual limit would leave out."""
    rows = pl.concat([candidates.pool, candidates.heldout])
    response, longest = pl.col("response").str.len_chars(), pl.max_horizontal(pl.col(*PAIR[2:]).str.len_chars())
    limits = (
        ("min_chars", min_chars, USUAL_MIN_CHARS, response < USUAL_MIN_CHARS),
        ("max_chars", max_chars, USUAL_MAX_CHARS, longest > USUAL_MAX_CHARS),
    )
    return [
        f"{name} is off: a limit of {usual:,} characters would leave out {rows.filter(is_outside).height:,} "
        f"of {rows.height:,} rows"
        for name, limit, usual, is_outside in limits
        if limit is None
    ]


def _flag_quotes(corpus_texts: Set[str], rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that are not from the split docstrings (no group) may still quote the corpus."""
    if not corpus_texts:
        return rows
    ungrouped = rows.filter(pl.col("reason").is_null() & pl.col("group").is_null())
    quoting = [
        (source, row, turn, "its text is in the corpus of the base model")
        for source, row, turn, *texts in ungrouped.select(*PLACE, *TEXT_COLUMNS).iter_rows()
        if not all(corpus_texts.isdisjoint(extract_clauses(text)) for text in texts)
    ]
    quotes = pl.DataFrame(quoting, schema={**rows.select(PLACE).schema, "quotes": pl.String}, orient="row")
    flagged = rows.join(quotes, on=PLACE, how="left", maintain_order="left")
    return flagged.with_columns(pl.coalesce("reason", "quotes").alias("reason")).drop("quotes")


def _check_usable(rows: pl.DataFrame, limits: Mapping[str, int | None]) -> None:
    for source in sorted(limits):
        read = rows.filter(pl.col("source") == source)
        if read["reason"].null_count() == 0:
            raise ValueError(
                f"source {source!r} has nothing usable: {_summarize_rejects(read)}; mend it or leave it out"
            )


def _summarize_rejects(rejects: pl.DataFrame) -> str:
    return f"{len(rejects)} rows read{list_reasons(rejects)}" if len(rejects) else "no row was read"


def list_reasons(rejects: pl.DataFrame) -> str:
    """The most frequent reasons; copies of whatever row are one reason."""
    kinds = rejects.select(pl.col("reason").str.replace(r"^(duplicate|near copy) of .*", "$1"))["reason"]
    counts = kinds.value_counts().sort("count", "reason", descending=[True, False])
    listed = "".join(f"; {count} × {reason}" for reason, count in counts.head(SHOWN_REASONS).iter_rows())
    further = int(counts["count"][SHOWN_REASONS:].sum())
    return f"{listed}; {further} × other reasons" if further else listed
