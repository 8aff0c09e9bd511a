"""The whole way from files to a written subset and its report."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from m2m.export.bundled_studies import read_bundled_studies
from m2m.export.evidence import summarize_studies
from m2m.export.trainer_formats import SelectFormat
from m2m.file_selection.arms import RANDOM, Comparison, compare_arms, explain_rows, tabulate_arms
from m2m.file_selection.card_settings import list_settings
from m2m.file_selection.exclusions import (
    ExclusionSettings,
    check_exclusions,
    describe_examples,
    describe_overlaps,
    describe_prefilter,
    describe_quality,
    find_prompt_overlaps,
    leave_out_of_pool,
)
from m2m.file_selection.file_pool import ReadSettings, describe_sources, read_pool
from m2m.file_selection.flags import describe_unread_flags, name_choice_flags
from m2m.file_selection.notes import list_notes
from m2m.file_selection.original_records import check_original, read_original_records
from m2m.file_selection.own_columns import list_fields, parse_fields
from m2m.file_selection.pool_tokenizer import prepare_tokenizer
from m2m.file_selection.pool_units import PoolUnits
from m2m.file_selection.report import (
    describe_choice_units,
    describe_length,
    format_arms,
    format_line,
    list_left_over,
    name_types,
)
from m2m.file_selection.unit_settings import UnitSettings
from m2m.file_selection.written_files import FileSelection, require_writable_folder, write_selection
from m2m.grid.design import require_lengths
from m2m.runtime.atomic_files import fill_folder
from m2m.selection.arm import ArmSettings
from m2m.selection.baselines import stack_scores
from m2m.selection.left_out import Prefilter
from m2m.strategies import get_strategy

CONTENTS = {  # of the files beside the data
    "README.md": "data card",
    "index.html": "pool page",
    "rows.parquet": "a reason for every row",
    "rejects.parquet": "what could not be used",
    "overlaps.parquet": "shared text, for you to judge",
}


def choose_from_files(
    paths: Sequence[str],
    settings: ArmSettings,
    reading: ReadSettings,
    exclusions: ExclusionSettings,
    units: UnitSettings,
    tokenizer: str,
    out: Path,
    form: SelectFormat,
    page: Literal["write", "skip"],
) -> list[str]:
    """Choose from the files `paths`, write the result to the folder `out`, and return the lines of the report."""
    if get_strategy(settings.strategy, "--strategy").base_pass:
        raise ValueError(
            f"--strategy {settings.strategy} needs a pass of a base model over the pool, and select loads no model: "
            "make your file a source of the pipeline (docs/how-to/own-pool.md) and set subset.strategy there"
        )
    require_lengths(settings.strategy, settings.lengths, "--lengths")
    check_exclusions(exclusions)
    check_original(form, reading.turns)
    require_writable_folder(out)
    with TemporaryDirectory() as folder:
        pool = read_pool(paths, reading, Path(folder))
        name = prepare_tokenizer(tokenizer, pool.rows, units.band.vocab_size, Path(folder, "tokenizer"))
        pool_units = PoolUnits(pool.rows, Path(folder, "tokenizer"), units)
        rows = pool_units.measure_pool()
        overlaps = find_prompt_overlaps(pool, exclusions.prompts)
        prefilter = None
        if exclusions.like_share < 1:
            prefilter = Prefilter("bm25", exclusions.like_share, stack_scores(pool_units.build_choices("bm25")))
        left_out = leave_out_of_pool(pool, rows.flag_inside(settings), overlaps, exclusions, prefilter)
        try:
            comparison = compare_arms(rows, left_out, pool_units, settings)
        except ValueError as error:
            raise ValueError(name_choice_flags(str(error), settings, exclusions, units)) from error
        evidence = summarize_studies(
            read_bundled_studies(),
            {"strategy": settings.strategy, "degree": settings.degree, "match": settings.match},
        )
        listed = list_settings(settings, reading, exclusions, units)
        records = parse_fields(pool.places["fields"])
        names = list_fields(records)
        originals = read_original_records(pool, comparison.subset.selection.draw.rows)
        selection = FileSelection(
            pool, records, names, originals, pool_units, comparison, name, evidence, listed, overlaps
        )
        card_notes = [*describe_unread_flags(settings, units, tokenizer), *list_notes(selection, form)]
        warnings = [("warning", sentence) for sentence in (*list_warnings(comparison, tokenizer), *card_notes)]
        notes = [*list_exclusions(selection, exclusions), *warnings]
        with fill_folder(out) as place:
            files = write_selection(selection, place, form, card_notes)
            if page == "write":
                from m2m.file_selection.selection_page import write_selection_page

                write_selection_page(selection, place / "index.html", [*(text for _, text in notes), evidence])
                files.append(place / "index.html")
        return list_lines(selection, notes, [out / file.name for file in files], form)


def list_lines(
    selection: FileSelection, notes: Sequence[tuple[str, str]], files: Sequence[Path], form: SelectFormat
) -> list[str]:
    """The report, line by line; `files` are those that were written, the data first."""
    comparison, units = selection.comparison, selection.units
    entry = get_strategy(comparison.settings.strategy)
    band = units.band_side(str(entry.side)) if entry.scale == "micro" else None
    figures = tabulate_arms(comparison, units.tokenize_side("response"))
    rejects = f"{len(selection.pool.rejects):,} rejects with their reasons → {files[0].parent / 'rejects.parquet'}"
    left_over = list_left_over(explain_rows(comparison, comparison.chosen))
    evidence = f"{selection.evidence} (python -m m2m recommend; for your own model: python -m m2m grid)"
    return [
        *(format_line(source, text) for source, text in describe_sources(selection.pool)),
        format_line("", rejects),
        format_line("units", describe_choice_units(comparison, selection.tokenizer, band)),
        *format_arms(figures, comparison.chosen, name_types(comparison.settings.strategy)),
        *(format_line(label, text) for label, text in notes),
        format_line("not taken", left_over),
        format_line("length", describe_length(figures, comparison)),
        format_line("evidence", evidence),
        format_line("written", ", ".join(f"{file.name} ({CONTENTS.get(file.name, form)})" for file in files)),
    ]


def list_exclusions(selection: FileSelection, exclusions: ExclusionSettings) -> list[tuple[str, str]]:
    """A label and a sentence for each setting that counts or leaves out rows."""
    comparison, lines = selection.comparison, []
    if selection.overlaps is not None:
        chosen = comparison.subset.table["id"]
        text = describe_overlaps(selection.overlaps, selection.pool, chosen, exclusions.overlap)
        lines.append(("overlap", text))
    if exclusions.quality:
        lines.append(("quality", describe_quality(comparison.left_out, comparison.settings.strategy)))
    if exclusions.like_share < 1:
        lines.append(("like", describe_prefilter(comparison.left_out)))
    if exclusions.like:
        text = describe_examples(selection.pool, selection.units.examples.rows, comparison.subset.table["id"])
        lines += [("like", text)] if text else []
    return lines


def list_warnings(comparison: Comparison, tokenizer: str) -> list[str]:
    """Degrees that are one subset, a tokenizer that may not be the model's, a size that does not fit the strategy."""
    notes = [comparison.subset.note, comparison.arms[RANDOM].note]
    warnings = [sentence for sentence in dict.fromkeys([comparison.subset.collapse, *notes]) if sentence]
    strategy = get_strategy(comparison.settings.strategy)
    if not tokenizer and (strategy.scale == "micro" or not strategy.has_units):
        warnings.append("the tokenizer is not your model's: tokens and lengths differ; name it with --tokenizer")
    if comparison.settings.strategy == "type-cover" and comparison.settings.budget == "rows":
        warnings.append(
            "type-cover takes the rows with the most new types per token, which are short ones: "
            "give it a budget of tokens (--tokens) in place of --size"
        )
    return warnings
