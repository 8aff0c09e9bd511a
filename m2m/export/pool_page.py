"""Writes the page of a pool and its subsets: one HTML file with the pool as a map and each subset lit over it."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float32, Int64, Num, UInt16

from m2m.export.pool_map import LEVELS, place_rows
from m2m.export.pool_numbers import Shares, compare_shares, summarize_lengths
from m2m.export.pool_texts import PageTexts, fit_texts, pack_json
from m2m.export.run_answers import RunAnswers, make_answers_visible
from m2m.runtime.atomic_files import write_text
from m2m.runtime.visible_text import make_visible
from m2m.strategies import SIDES
from m2m.study.report.html_page import render_page

TEMPLATES = Path(__file__).parent / "templates"
LARGEST = 6_000_000  # bytes of the page
MOST_ROWS = 120_000  # on the map: with hardly any text they fill the page
FRAME = 100_000  # bytes kept for what is not packed: template, numbers, names
TEXT_START = 500  # characters of each text that place a row on the map
NAME_LENGTH = 60  # characters of a source or cluster
ABSENT = 65_535  # the code of a row without a source or cluster
MOST_REASONS = 250
NO_UNIT = "pool"  # the unit of a strategy that has none
COLUMNS = ("id", "source", "instruction", "response", "tokens")


def write_pool_page(
    path: Path,
    pool: pl.DataFrame,
    subsets: Mapping[str, pl.DataFrame],
    /,
    *,
    title: str,
    initial: str,
    seed: int,
    reference: str | None = "random",
    reasons: pl.DataFrame | None = None,
    vectors: Float32[np.ndarray, "rows dim"] | None = None,
    notes: Sequence[str] = (),
    answers: RunAnswers | None = None,
) -> None:
    """Write the page of `pool`, with a stop of its slider for each of `subsets`, as in schema Subset.

    `pool` has the columns id, source, instruction, response and tokens (of the response), and may have low, mid, high
    (tokens of each band) and cluster (null: none). `initial` is lit first, `reference` is compared with. `reasons` has
    id and a column for any subset: why a row is not in it. `vectors` are the pool's embeddings. `notes` stand on top,
    `answers` of a trained run below. Of a pool above 120,000 rows the map shows so many; the tables count all.

    ValueError for an empty pool, a missing column, an unknown subset or id, and more than 250 different reasons.
    """
    _require_inputs(pool, subsets, {initial, reference} - {None})
    masks = {name: pool["id"].is_in(table["id"].implode()).to_numpy() for name, table in subsets.items()}
    places = choose_shown_rows(np.any(list(masks.values()), axis=0), MOST_ROWS, seed)
    map_rows, map_masks = pool[places], {name: mask[places] for name, mask in masks.items()}
    texts = map_rows.select(pl.concat_str(pl.col(SIDES).str.slice(0, TEXT_START), separator="\n"))
    pool_map = place_rows(texts.to_series().to_list(), None if vectors is None else vectors[places], seed)
    colourings = {name: _code_column(map_rows, name) for name in ("source", "cluster") if name in pool.columns}
    sentences, reason_codes = _code_reasons(map_rows, reasons)
    members = [_list_members(map_rows, table) for table in subsets.values()]
    is_member = np.any(list(map_masks.values()), axis=0)
    columns = {
        "x": _pack_numbers(pool_map.places[:, 0]),
        "y": _pack_numbers(LEVELS - 1 - pool_map.places[:, 1]),
        "tokens": _pack_numbers(map_rows["tokens"].to_numpy().astype(np.uint32)),
        **{name: _pack_numbers(codes) for name, (_, codes) in colourings.items()},
        **{f"members-{place}": _pack_bits(mask) for place, mask in enumerate(map_masks.values())},
        **{f"turns-{place}": _pack_numbers(rows["turn"].to_numpy()) for place, rows in enumerate(members)},
        **{f"reasons-{list(subsets).index(name)}": _pack_numbers(codes) for name, codes in reason_codes.items()},
        "units": pack_json([[make_visible(unit) for unit in rows["unit"]] for rows in members]),
        "ids": pack_json([make_visible(name) for name in map_rows["id"].filter(is_member)]),
    }
    space = (LARGEST - FRAME - sum(_count_base64(packed) for packed in columns.values())) * 3 // 4
    page_texts = fit_texts(map_rows, is_member, space)
    columns["texts"] = page_texts.packed
    shares = [_clean_names(chart) for chart in compare_shares(pool, subsets)]
    lengths = summarize_lengths(pool, subsets, reference)
    values = {
        "title": make_visible(title),
        "notes": [make_visible(note) for note in [*_describe_shown(map_masks, masks), *notes]],
        "rows": pool.height,
        "subsets": list(subsets),
        "initial": list(subsets).index(initial),
        "reference": reference,
        "method": pool_map.method,
        "texts_note": _describe_texts(page_texts),
        "same": describe_equal_subsets(masks),
        "lengths": lengths,
        "shares": shares,
        "answers": answers and answers._replace(prompts=[make_answers_visible(row) for row in answers.prompts]),
        "colourings": list(colourings),
        "columns": {name: base64.b64encode(packed).decode() for name, packed in columns.items()},
        "page": {
            "rows": map_rows.height,
            "levels": LEVELS,
            "subsets": list(subsets),
            "sizes": [int(mask.sum()) for mask in masks.values()],
            "reference": reference,
            "colourings": {name: categories for name, (categories, _) in colourings.items()},
            "reasons": sentences,
            "charts": [chart._asdict() for chart in shares],
            "summary": {row["subset"]: row for row in lengths.to_dicts()},
        },
    }
    write_text(path, render_page(TEMPLATES, "pool_page", values))


def choose_shown_rows(is_member: Bool[np.ndarray, "rows"], limit: int, seed: int) -> Int64[np.ndarray, "shown"]:
    """The places of at most `limit` rows, in order: all rows of the subsets, as far as they leave a quarter to others.

    The others are drawn at random, and so are those of the subsets where they are too many.
    """
    rows = len(is_member)
    if rows <= limit:
        return np.arange(rows)
    order = np.random.default_rng(seed).permutation(rows)
    members, strangers = order[is_member[order]], order[~is_member[order]]
    members = members[: max(limit - len(strangers), limit * 3 // 4)]
    return np.sort(np.concatenate([members, strangers[: limit - len(members)]]))


def _describe_shown(
    map_masks: Mapping[str, Bool[np.ndarray, "shown"]], masks: Mapping[str, Bool[np.ndarray, "rows"]]
) -> list[str]:
    """What of the pool is on the map, where that is not all."""
    count, rows = (len(next(iter(flags.values()))) for flags in (map_masks, masks))
    if count == rows:
        return []
    is_whole = all(map_masks[name].sum() == masks[name].sum() for name in masks)
    members = "all rows of the subsets" if is_whole else "rows of the subsets"
    return [f"The map shows {count:,} of {rows:,} rows: {members} and others at random. The tables count all rows."]


def describe_equal_subsets(masks: Mapping[str, Bool[np.ndarray, "rows"]]) -> list[str]:
    """A sentence for each group of subsets that hold the same rows."""
    groups: dict[bytes, list[str]] = {}
    for name, mask in masks.items():
        groups.setdefault(mask.tobytes(), []).append(name)
    return [f"The same rows: {', '.join(names)}." for names in groups.values() if len(names) > 1]


def _require_inputs(pool: pl.DataFrame, subsets: Mapping[str, pl.DataFrame], names: set[str | None]) -> None:
    if missing := [name for name in COLUMNS if name not in pool.columns]:
        raise ValueError(f"the pool must have the columns {', '.join(COLUMNS)}, {', '.join(missing)} is missing")
    if pool.is_empty():
        raise ValueError("a page needs at least one row in the pool, got 0")
    if unknown := sorted(str(name) for name in names if name not in subsets):
        raise ValueError(f"the subsets must be among {', '.join(subsets)}, got {', '.join(unknown)}")
    for name, table in subsets.items():
        foreign = table["id"].filter(~table["id"].is_in(pool["id"].implode()))
        if len(foreign):
            raise ValueError(f"subset {name} has id {foreign[0]!r}, which is not in the pool: select it from this pool")


def _code_column(pool: pl.DataFrame, name: str) -> tuple[list[str], UInt16[np.ndarray, "rows"]]:
    """The categories, the largest first, and the place of each row's category among them."""
    sizes = pool.drop_nulls(name).group_by(name).len().sort("len", name, descending=[True, False])[name].head(ABSENT)
    places = pl.DataFrame({name: sizes, "place": pl.int_range(len(sizes), dtype=pl.UInt16, eager=True)})
    codes = pool.join(places, on=name, how="left", maintain_order="left")["place"].fill_null(ABSENT)
    return [_clean_name(category) for category in sizes], codes.to_numpy()


def _code_reasons(
    pool: pl.DataFrame, reasons: pl.DataFrame | None
) -> tuple[list[str], dict[str, Num[np.ndarray, "rows"]]]:
    """The different sentences after an empty one, and for each subset that has reasons the sentence of each row."""
    if reasons is None:
        return [""], {}
    joined = pool.select("id").join(reasons, on="id", how="left", maintain_order="left").drop("id")
    sentences = sorted({text for column in joined for text in column.unique().drop_nulls()} - {""})
    if len(sentences) > MOST_REASONS:
        raise ValueError(
            f"at most {MOST_REASONS} different reasons fit a page, got {len(sentences)}: name no row in them"
        )
    places = {text: place for place, text in enumerate(["", *sentences])}
    coded = joined.select(pl.all().replace_strict(places, default=0, return_dtype=pl.UInt8).fill_null(0))
    return ["", *map(make_visible, sentences)], {column.name: column.to_numpy() for column in coded}


def _list_members(pool: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """unit and turn of the subset's rows, in the order of the pool; an empty unit where the strategy has none."""
    unit = pl.when(pl.col("unit") == NO_UNIT).then(pl.lit("")).otherwise("unit").alias("unit")
    joined = pool.select("id").join(table, on="id", how="inner", maintain_order="left")
    return joined.select(unit, pl.col("turn").cast(pl.UInt32))


def _pack_numbers(numbers: Num[np.ndarray, "rows"]) -> bytes:
    """Little-endian, as every browser's typed arrays are."""
    return zlib.compress(np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<")).tobytes(), 9)


def _pack_bits(mask: Bool[np.ndarray, "rows"]) -> bytes:
    return zlib.compress(np.packbits(mask, bitorder="little").tobytes(), 9)


def _count_base64(packed: bytes) -> int:
    return (len(packed) + 2) // 3 * 4


def _describe_texts(texts: PageTexts) -> str:
    member, grey = texts.member_limit, texts.other_limit
    if member == grey:
        return f"Texts are cut after {member:,} characters."
    return f"Texts are cut to keep the page small: after {member:,} characters in a subset's rows, {grey:,} in others."


def _clean_names(chart: Shares) -> Shares:
    return chart._replace(categories=[_clean_name(category) for category in chart.categories])


def _clean_name(name: str) -> str:
    text = make_visible(name)
    return text if len(text) <= NAME_LENGTH else f"{text[:NAME_LENGTH]}…"
