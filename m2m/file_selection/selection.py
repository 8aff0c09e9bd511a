"""The whole way from files to a written subset and its report."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from m2m.export.bundled_studies import read_bundled_studies
from m2m.export.evidence import summarize_studies
from m2m.export.trainer_formats import ExportFormat
from m2m.file_selection.arms import Comparison, compare_arms, explain_rows, tabulate_arms
from m2m.file_selection.file_pool import ReadSettings, describe_sources, read_pool
from m2m.file_selection.pool_units import PoolUnits, prepare_tokenizer
from m2m.file_selection.report import (
    describe_choice_units,
    describe_length,
    format_arms,
    format_line,
    list_left_over,
    name_types,
)
from m2m.file_selection.unit_settings import UnitSettings
from m2m.file_selection.written_files import FileSelection, require_empty_folder, write_selection
from m2m.selection.arm import ArmSettings
from m2m.strategies import get_strategy


def choose_from_files(
    paths: Sequence[str],
    settings: ArmSettings,
    reading: ReadSettings,
    units: UnitSettings,
    tokenizer: str,
    out: Path,
    form: ExportFormat,
    page: Literal["write", "skip"],
) -> list[str]:
    """Choose from the files `paths`, write the result to the folder `out`, and return the lines of the report."""
    entry = get_strategy(settings.strategy, "--strategy")
    require_empty_folder(out)
    with TemporaryDirectory() as folder:
        pool = read_pool(paths, reading, Path(folder))
        name = prepare_tokenizer(tokenizer, pool.rows, units.band.vocab_size, Path(folder, "tokenizer"))
        pool_units = PoolUnits(pool.rows, Path(folder, "tokenizer"), units)
        comparison = compare_arms(pool_units, settings)
        evidence = summarize_studies(
            read_bundled_studies(),
            {"strategy": settings.strategy, "degree": settings.degree, "match": settings.match},
        )
        selection = FileSelection(pool, pool_units, comparison, name, evidence)
        files = write_selection(selection, out, form)
        warnings = list_warnings(comparison, tokenizer)
        if page == "write":
            from m2m.file_selection.selection_page import write_selection_page

            write_selection_page(selection, out / "index.html", [*warnings, evidence])
        band = pool_units.band_side(str(entry.side)) if entry.scale == "micro" else None
        figures = tabulate_arms(comparison, pool_units.tokenize_side("response"))
    lines = [format_line(source, text) for source, text in describe_sources(pool)]
    lines += [f"{'':<11}{len(pool.rejects):,} rejects with their reasons → {out / 'rejects.parquet'}"]
    lines += [format_line("units", describe_choice_units(comparison, name, band))]
    lines += format_arms(figures, comparison.chosen, name_types(comparison))
    lines += [format_line("warning", sentence) for sentence in warnings]
    lines += [format_line("not taken", list_left_over(explain_rows(comparison, comparison.chosen)))]
    lines += [format_line("length", describe_length(figures, comparison))]
    lines += [format_line("evidence", f"{evidence} (python -m m2m recommend; for your own model: python -m m2m grid)")]
    written = [
        f"{files[0]} ({form})",
        "README.md (data card)",
        *(["index.html (pool page)"] if page == "write" else []),
        "rows.parquet (a reason for every row)",
        "rejects.parquet",
    ]
    return [*lines, format_line("written", ", ".join(written))]


def list_warnings(comparison: Comparison, tokenizer: str) -> list[str]:
    """Degrees that are one subset, and a tokenizer that may not be the model's."""
    warnings = [sentence for sentence in (comparison.subset.collapse, comparison.subset.note) if sentence]
    strategy = get_strategy(comparison.settings.strategy)
    if not tokenizer and (strategy.scale == "micro" or not strategy.has_units):
        warnings.append("the tokenizer is not your model's: units and lengths differ; name it with --tokenizer")
    return warnings
