"""Rows → a reason for each near copy of another row, by MinHash."""

from collections.abc import Iterator, Sequence
from functools import cache, partial

import numpy as np
import polars as pl
from jaxtyping import Int64, UInt32, UInt64

from m2m.data.records.word_windows import encode_words, hash_windows, number_words, split_words
from m2m.parallel import map_slices

SHINGLED_ROWS = 65_536
SHINGLE_WORDS = 3
MOST_EQUAL = 64  # rows of one sketch that later ones are compared with: all pairs of 10,000 copies would be 50 million
SKETCH_BANDS, BAND_ROWS = 21, 6  # two rows of Jaccard 0.8 share a band with a probability of 0.998, of 0.4 with 0.08


def flag_near_duplicates(rows: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """`rows` with a reason where another row that stays shares at least `threshold` of the three-word shingles.

    The similarity is Jaccard's, of instruction and response together, without case and marks; the sketches find pairs
    from 0.7 on. Of two near copies the one with the smaller id stays, whatever the order of rows.
    """
    usable = rows.filter(pl.col("reason").is_null()).sort("id")
    shingles, offsets = _hash_shingles(usable)
    ids = usable["id"].to_list()
    copies = _find_copies(shingles, offsets, threshold)
    reasons = {ids[copy]: f"near copy of {ids[original]}" for copy, original in copies.items()}
    near = pl.col("id").replace_strict(reasons, default=None, return_dtype=pl.String)
    return rows.with_columns(pl.coalesce("reason", near).alias("reason"))


def _hash_shingles(rows: pl.DataFrame) -> tuple[UInt64[np.ndarray, "shingles"], Int64[np.ndarray, "rows+1"]]:
    """The distinct shingles of all rows, sorted in each row, and where the rows begin; a slice of the words at once."""
    vocabularies = [*map_slices(_list_words, rows.iter_slices(SHINGLED_ROWS)), pl.Series([], dtype=pl.String)]
    codes = number_words(pl.concat(vocabularies).implode())
    slices = list(map_slices(partial(_hash_slice, codes), rows.iter_slices(SHINGLED_ROWS)))
    counts = np.concatenate([np.zeros(1, np.int64), *(counts for _, counts in slices)])
    return np.concatenate([np.zeros(0, np.uint64), *(hashes for hashes, _ in slices)]), np.cumsum(counts)


def _split_rows(rows: pl.DataFrame) -> pl.Series:
    text = pl.concat_str("instruction", "response", separator="\n")
    return rows.select(split_words(text).alias("words"))["words"]


def _list_words(rows: pl.DataFrame) -> pl.Series:
    return _split_rows(rows).explode(empty_as_null=False).unique()


def _hash_slice(
    codes: pl.DataFrame, rows: pl.DataFrame
) -> tuple[UInt64[np.ndarray, "shingles"], Int64[np.ndarray, "rows"]]:
    """The distinct shingles of a slice, and how many each row has; `codes` are those of the words of all slices."""
    encoded = encode_words(_split_rows(rows), codes)
    starts, hashes = hash_windows(encoded, SHINGLE_WORDS)
    table = pl.DataFrame({"row": encoded.rows[starts], "hash": hashes}).unique().sort("row", "hash")
    return table["hash"].to_numpy(), np.bincount(table["row"].to_numpy(), minlength=len(rows)).astype(np.int64)


def _find_copies(
    shingles: UInt64[np.ndarray, "shingles"], offsets: Int64[np.ndarray, "rows+1"], threshold: float
) -> dict[int, int]:
    """Index of each copy → index of the first row that stays and is as similar."""
    copies: dict[int, int] = {}

    @cache  # of rows that have a candidate alone: Python's sets of all rows would take 60 bytes a shingle
    def read(row: int) -> frozenset[int]:
        return frozenset(shingles[offsets[row] : offsets[row + 1]].tolist())

    for index, candidates in _list_candidates(shingles, offsets):
        stay = (candidate for candidate in candidates if candidate not in copies)
        original = next((c for c in stay if _measure_jaccard(read(index), read(c)) >= threshold), None)
        if original is not None:
            copies[index] = original
    return copies


def _list_candidates(
    shingles: UInt64[np.ndarray, "shingles"], offsets: Int64[np.ndarray, "rows+1"]
) -> Iterator[tuple[int, Sequence[int]]]:
    """Each row that shares a band of its sketch with earlier rows, and those rows, in order."""
    filled = np.flatnonzero(np.diff(offsets))
    if not len(filled):
        return
    sketches = _sketch(shingles, np.append(offsets[filled], offsets[-1]))
    pairs = pl.concat(_pair_equal(sketches[:, band]) for band in range(SKETCH_BANDS)).unique()
    listed = pairs.group_by("row").agg(pl.col("earlier").sort()).sort("row")
    for row, earlier in listed.iter_rows():
        yield int(filled[row]), filled[earlier].tolist()


def _sketch(
    shingles: UInt64[np.ndarray, "shingles"], offsets: Int64[np.ndarray, "rows+1"]
) -> UInt32[np.ndarray, "rows bands band_rows"]:
    bounds = [offsets[start : start + SHINGLED_ROWS + 1] for start in range(0, len(offsets) - 1, SHINGLED_ROWS)]
    slices = ((shingles[bound[0] : bound[-1]], bound - bound[0]) for bound in bounds)
    return np.concatenate(list(map_slices(_sketch_slice, slices)))


def _sketch_slice(
    sets: tuple[UInt64[np.ndarray, "shingles"], Int64[np.ndarray, "rows+1"]],
) -> UInt32[np.ndarray, "rows bands band_rows"]:
    from rensa import RMinHash

    shingles, offsets = sets
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        shingles, offsets.astype(np.uint64), num_perm=SKETCH_BANDS * BAND_ROWS, seed=1
    )
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(-1, SKETCH_BANDS, BAND_ROWS)


def _pair_equal(sketches: UInt32[np.ndarray, "rows band_rows"]) -> pl.DataFrame:
    """row, earlier: pairs of rows with equal sketches; of many equal ones, the first 64 with all later ones."""
    columns = [str(column) for column in range(BAND_ROWS)]
    table = pl.DataFrame(sketches, schema=columns).with_row_index("row")
    shared = table.filter(pl.struct(columns).is_duplicated())
    earliest = shared.filter(pl.col("row").cum_count().over(columns) <= MOST_EQUAL).rename({"row": "earlier"})
    pairs = shared.join(earliest, on=columns)
    return pairs.filter(pl.col("earlier") < pl.col("row")).select("row", "earlier")


def _measure_jaccard(first: frozenset[int], second: frozenset[int]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
