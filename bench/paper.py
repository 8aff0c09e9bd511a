"""The development pool → metrics/selection/*.csv: what bands, pruning and sampling make of 123,382 real pairs.

`python -m bench.paper ../shared/data metrics/selection [--made FOLDER]`: numbers only. FOLDER is what `bench.vectors`
wrote: macro units and k-center subsets; without it the table has neither.
"""

import argparse
from math import ceil
from pathlib import Path

import numpy as np
import polars as pl

from bench.chosen import CONDITIONS, Pool, Row, rise_rows, subset_rows, unit_rows
from bench.pool import Spelt, gpt2, llama2, read_pool
from m2m.strategies import SIDES
from m2m.text.embedder import PACKAGED, embed, load_embedder
from m2m.units.meso.key_phrases import extract_phrases
from m2m.units.meso.tag_normalization import apply_canonical_tags, normalize_tags
from m2m.units.micro.token_bands import BAND_NAMES, assign_bands, collect_row_types, select_types

LOW, HIGH, SIZES = 10, 500, (10_000, 20_000, 30_000)
RARE, SUPPORT = 20, 40  # rows: InsTag's own thresholds


def micro(ids: pl.Series, spelled: Spelt) -> tuple[np.ndarray, np.ndarray, pl.DataFrame]:
    """Each type's count and band, and the units of the middle band."""
    counts = np.bincount(spelled.tokens).astype(np.int64)
    codes = assign_bands(counts, LOW, HIGH)
    rows, types = collect_row_types(spelled.tokens, spelled.offsets, select_types(codes, "mid"))
    return counts, codes, pl.DataFrame([ids.gather(rows), pl.Series("unit", types).cast(pl.String)])


def band_rows(
    tokenizer: str, side: str, positions: tuple[np.ndarray, np.ndarray, pl.DataFrame], texts: int
) -> list[Row]:
    """Types and occurrences of each band; of the middle one, how many types a text has and how many texts have none."""
    counts, codes, units = positions
    rows: list[Row] = []
    for code, band in enumerate(BAND_NAMES):
        band_counts = counts[(codes == code) & (counts > 0)]
        figures = {"types_a_text": len(units) / texts, "texts_without": texts - units["id"].n_unique()}
        key = {
            "tokenizer": tokenizer,
            "side": side,
            "band": band,
            "types": len(band_counts),
            "occurrences": int(band_counts.sum()),
        }
        rows.append(key | (figures if band == "mid" else dict.fromkeys(figures)))
    return rows


def meso(ids: pl.Series, texts: list[str]) -> pl.DataFrame:
    """Units of the offline tagger and the normaliser."""
    share, embedder = RARE / len(texts), load_embedder(PACKAGED, "main", "float32", 128)
    raw = extract_phrases(ids.to_list(), texts, per_text=4, max_words=3, min_share=share, max_share=0.1)
    names = normalize_tags(
        raw,
        lambda tags: embed(embedder, tags, 256),
        min_rows=ceil(share * len(texts)),
        max_distance=0.05,
        min_support=SUPPORT,
        min_confidence=0.99,
    )
    return apply_canonical_tags(raw, names).rename({"tag": "unit"})


def places(ids: pl.Series, chosen: pl.Series) -> np.ndarray:
    """Where the chosen ids stand among the sorted `ids`; ValueError when one does not."""
    positions = ids.search_sorted(chosen).clip(0, len(ids) - 1)
    if not (ids.gather(positions) == chosen).all():
        raise ValueError("a subset must be of this pool, and one of its ids is not: make it anew with bench.vectors")
    return positions.to_numpy()


def write(out: Path, name: str, rows: list[Row]) -> pl.DataFrame:
    """Where a row has no such column, nothing stands."""
    table = pl.DataFrame(rows, infer_schema_length=None)
    out.mkdir(parents=True, exist_ok=True)
    table.write_csv(out / f"{name}.csv", float_precision=4)
    print(f"{out / name}.csv: {table.height} rows", flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--made", type=Path, help="what bench.vectors wrote")
    arguments = parser.parse_args()
    table = read_pool(arguments.shared)
    ids, texts = table["id"], {side: table[side].to_list() for side in SIDES}
    llama_tokens = {side: llama2(arguments.shared, texts[side]) for side in SIDES}
    bands, units = [], {}
    for side in SIDES:
        positions = micro(ids, llama_tokens[side])
        gpt_bands = micro(ids, gpt2(arguments.shared, texts[side]))
        bands += band_rows("llama-2", side, positions, len(ids)) + band_rows("gpt-2", side, gpt_bands, len(ids))
        units[f"{side}-meso"] = meso(ids, texts[side])
        units[f"{side}-micro"] = positions[2]
        if arguments.made:
            units[f"{side}-macro"] = pl.read_parquet(arguments.made / f"{side}-macro.parquet")
    write(arguments.out, "bands", bands)
    counts = np.bincount(llama_tokens["response"].tokens).astype(np.int64)
    pool = Pool(
        ids,
        llama_tokens["response"],
        assign_bands(counts, LOW, HIGH) == BAND_NAMES.index("mid"),
        dict(sorted(units.items())),
    )
    write(arguments.out, "units", unit_rows(pool, SIZES))
    chosen = []
    for condition in CONDITIONS:
        path = arguments.made / f"k-center-{condition.name}.parquet" if arguments.made else None
        chosen += list(subset_rows(pool, condition, places(ids, pl.read_parquet(path)["id"]) if path else None))
    write(arguments.out, "rise", rise_rows(write(arguments.out, "subsets", chosen)))


if __name__ == "__main__":
    main()
