"""Writes the pool page of a selection from files."""

from collections.abc import Sequence
from pathlib import Path

from m2m.export.pool_numbers import count_band_tokens
from m2m.file_selection.comparison_page import write_comparison_page
from m2m.file_selection.written_files import FileSelection


def write_selection_page(selection: FileSelection, path: Path, notes: Sequence[str]) -> None:
    """Write the page to `path`; the map is of embeddings where the strategy has made some, else of words."""
    comparison, units = selection.comparison, selection.units
    responses = units.tokenize_side("response")
    write_comparison_page(
        path,
        selection.pool.rows,
        comparison,
        count_band_tokens(responses.tokens, responses.offsets, units.band_side("response").types.bands),
        lambda names: units.label_units(comparison.settings.strategy, names),
        lambda clusters: clusters,
        units.get_vectors(),
        ", ".join(selection.pool.left_out),
        [f"Tokens are of {selection.tokenizer}.", *notes],
    )
