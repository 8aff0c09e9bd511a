"""Hands a selection to the pool page: every row, the subset of each arm, and why a row is not in it."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from m2m.export.pool_numbers import count_band_tokens
from m2m.export.pool_page import write_pool_page
from m2m.file_selection.arms import explain_rows
from m2m.file_selection.written_files import FileSelection
from m2m.strategies import get_strategy


def write_selection_page(selection: FileSelection, path: Path, notes: Sequence[str]) -> None:
    """Write the page to `path`; the map is of embeddings where the strategy has made some, else of words."""
    comparison, units = selection.comparison, selection.units
    entry = get_strategy(comparison.settings.strategy)
    responses = units.tokenize_side("response")
    bands = count_band_tokens(responses.tokens, responses.offsets, units.band_side("response").bands)
    pool = selection.pool.rows.with_columns(tokens=pl.Series(comparison.pool.tokens))
    subsets = {name: arm.table for name, arm in comparison.arms.items()}
    if entry.has_units:
        strategy = comparison.settings.strategy
        subsets = {
            name: table.with_columns(unit=units.label_units(strategy, table["unit"])) if name != "random" else table
            for name, table in subsets.items()
        }
    reasons = pl.DataFrame({"id": pool["id"], **{name: explain_rows(comparison, name) for name in subsets}})
    write_pool_page(
        path,
        pl.concat([pool, bands], how="horizontal"),
        subsets,
        title=f"{', '.join(selection.pool.left_out)}: {comparison.settings.strategy}",
        initial=comparison.chosen,
        seed=comparison.settings.seed,
        reasons=reasons,
        vectors=units.get_vectors(),
        notes=[f"Tokens are of {selection.tokenizer}.", *notes],
    )
