"""Counts lengths, token bands and sources of a pool and of its subsets: the numbers of the pool page."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Int32, Int64

from m2m.units.micro.token_bands import BAND_NAMES

MOST_SOURCES = 12  # in a chart; the others are one bar
OTHER_SOURCES = "other sources"
POOL = "pool"


class Shares(NamedTuple):
    """A share of the rows (or of the tokens) of each category, for the pool and every subset."""

    title: str
    categories: list[str]
    shares: dict[str, list[float]]  # by subset, the pool first


def count_band_tokens(
    tokens: Int32[np.ndarray, "tokens"], offsets: Int64[np.ndarray, "rows+1"], codes: Int64[np.ndarray, "types"]
) -> pl.DataFrame:
    """Each row's tokens of the low, middle and high band; row r is `tokens[offsets[r]:offsets[r + 1]]`.

    >>> count_band_tokens(np.array([0, 1, 1]), np.array([0, 1, 3]), np.array([0, 2])).rows()
    [(1, 0, 0), (0, 0, 2)]
    """
    bands = codes[tokens]
    counts = {name: np.diff(np.append(0, np.cumsum(bands == code))[offsets]) for code, name in enumerate(BAND_NAMES)}
    return pl.DataFrame(counts)


def summarize_lengths(pool: pl.DataFrame, subsets: Mapping[str, pl.DataFrame], reference: str | None) -> pl.DataFrame:
    """A row for the pool and each subset: rows, mean and median tokens, and the rows shared with `reference`."""
    shared = set() if reference is None else set(subsets[reference]["id"])
    rows = []
    for name, members in _split(pool, subsets).items():
        tokens = members["tokens"]
        row = {"subset": name, "rows": members.height, "mean tokens": tokens.mean(), "median tokens": tokens.median()}
        if reference is not None:
            is_other = name not in (POOL, reference)
            row[f"rows shared with {reference}"] = len(shared & set(members["id"])) if is_other else None
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def compare_shares(pool: pl.DataFrame, subsets: Mapping[str, pl.DataFrame]) -> list[Shares]:
    """Lengths in bins of doubling width, token bands where `pool` has their columns, and sources."""
    tables = _split(pool, subsets)
    return [_bin_lengths(tables), *([_share_bands(tables)] if "mid" in pool.columns else []), _share_sources(tables)]


def _split(pool: pl.DataFrame, subsets: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {POOL: pool} | {name: pool.join(table, on="id", how="semi") for name, table in subsets.items()}


def _bin_lengths(tables: Mapping[str, pl.DataFrame]) -> Shares:
    top = int(tables[POOL]["tokens"].max() or 0).bit_length()  # type: ignore[arg-type]
    low = max(int(tables[POOL]["tokens"].min() or 0).bit_length(), 0)  # type: ignore[arg-type]
    names = [_name_bin(power) for power in range(low, top + 1)]
    shares = {}
    for name, members in tables.items():
        powers = np.ceil(np.log2(members["tokens"].to_numpy() + 1)).astype(np.int64)  # bits of the number
        shares[name] = _normalize(np.bincount(powers - low, minlength=len(names)))
    return Shares("Response tokens (share of rows)", names, shares)


def _name_bin(power: int) -> str:
    """
    >>> [_name_bin(power) for power in (0, 1, 5)]
    ['0', '1', '16–31']
    """
    return str(power) if power < 2 else f"{2 ** (power - 1):,}–{2**power - 1:,}"


def _share_bands(tables: Mapping[str, pl.DataFrame]) -> Shares:
    shares = {name: _normalize(members.select(BAND_NAMES).sum().to_numpy()[0]) for name, members in tables.items()}
    return Shares("Token bands (share of response tokens)", ["rare", "middle", "frequent"], shares)


def _share_sources(tables: Mapping[str, pl.DataFrame]) -> Shares:
    sizes = tables[POOL].group_by("source").len().sort("len", "source", descending=[True, False])["source"].to_list()
    names = sizes if len(sizes) <= MOST_SOURCES + 1 else sizes[:MOST_SOURCES]
    shares = {}
    for name, members in tables.items():
        counts = dict(members.group_by("source").len().rows())
        numbers = [counts.get(source, 0) for source in names]
        numbers += [members.height - sum(numbers)] if len(names) < len(sizes) else []
        shares[name] = _normalize(np.array(numbers))
    return Shares("Sources (share of rows)", names + [OTHER_SOURCES] * (len(names) < len(sizes)), shares)


def _normalize(counts: Int64[np.ndarray, "kinds"]) -> list[float]:
    return [round(float(count), 5) for count in counts / max(counts.sum(), 1)]
