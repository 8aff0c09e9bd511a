"""Rows as read → rows that may be used, and for every other row the reason why not."""

import hashlib
from collections.abc import Sequence

import polars as pl

ROW_COLUMNS = {  # a row: its record and exchange, what belongs together, the texts, and why it cannot be used
    "source": pl.String,
    "row": pl.Int64,
    "turn": pl.Int64,
    "group": pl.String,
    "instruction": pl.String,
    "response": pl.String,
    "reason": pl.String,
}
TEXT_COLUMNS = ("instruction", "response")
INVISIBLE = r"^[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Z}\s\x{2800}]*$"  # U+2800 is the empty Braille pattern


def normalize_text(text: pl.Expr) -> pl.Expr:
    """Unicode NFC, line ends as \\n, no white space at either end."""
    return text.str.replace_all("\r\n", "\n", literal=True).str.normalize("NFC").str.strip_chars()


def fold_case(text: pl.Expr) -> pl.Expr:
    """`text` without case and line breaks: equal for texts that differ in nothing else."""
    return text.str.to_lowercase().str.replace_all(r"\s+", " ")


def tabulate_texts(records: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """A table of `records`, each with the values of ROW_COLUMNS, and with its texts normalized."""
    table = pl.DataFrame(records, schema=ROW_COLUMNS, orient="row")
    return table.with_columns(normalize_text(pl.col(name)) for name in TEXT_COLUMNS)


def flag_unusable_rows(rows: pl.DataFrame, min_chars: int | None, max_chars: int | None) -> pl.DataFrame:
    """`rows`, as `tabulate_texts` makes them, with `reason` filled where a row cannot be used.

    A row that comes with a reason keeps it. Lengths are in characters: an instruction has 1 to `max_chars` of them, a
    response `min_chars` to `max_chars`; None is no limit.
    """
    checks = [
        *((f"no {name}", pl.col(name).is_null()) for name in TEXT_COLUMNS),
        *((f"{name} is empty", pl.col(name).str.contains(INVISIBLE)) for name in TEXT_COLUMNS),
        *((f"{name} holds a NUL character", pl.col(name).str.contains("\0", literal=True)) for name in TEXT_COLUMNS),
    ]
    if max_chars is not None:
        longer = f"is longer than {max_chars} characters"
        checks += [(f"{name} {longer}", pl.col(name).str.len_chars() > max_chars) for name in TEXT_COLUMNS]
    if min_chars is not None:
        shorter = f"response is shorter than {min_chars} characters"
        checks.append((shorter, pl.col("response").str.len_chars() < min_chars))
    reasons = (pl.when(check).then(pl.lit(reason)) for reason, check in checks)
    return rows.with_columns(pl.coalesce(pl.col("reason"), *reasons).alias("reason"))


def add_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `id`, 16 hex digits of the SHA-256 of instruction and response: equal content, equal id."""
    usable = (row if row[2] is None else (None, None) for row in rows.select(*TEXT_COLUMNS, "reason").iter_rows())
    ids = [None if row[0] is None else hash_pair(row[0], row[1]) for row in usable]
    return rows.with_columns(pl.Series("id", ids, pl.String))


def hash_pair(instruction: str, response: str) -> str:
    """
    >>> hash_pair("Add.", "1")
    '791dbd2397f32d56'
    """
    return hashlib.sha256(f"{instruction}\0{response}".encode()).hexdigest()[:16]


def flag_duplicates(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with a reason where an earlier row has the same id.

    The same instruction with another response is another row: both stay, and `pick_heldout` keeps them together.
    """
    again = pl.col("reason").is_null() & ~pl.col("id").is_first_distinct()
    return rows.with_columns(
        pl.when(again).then(pl.lit("duplicate of ") + pl.col("id")).otherwise("reason").alias("reason")
    )
