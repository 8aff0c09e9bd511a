"""Says what of a person's files, records and labels was not read or is not written, a sentence each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from m2m.data.pool.pool import describe_reasoning
from m2m.data.records.form_readers import has_text
from m2m.data.records.read_files import METADATA, list_files
from m2m.export.trainer_formats import SelectFormat
from m2m.file_selection.file_pool import FilePool
from m2m.file_selection.original_records import describe_beginnings, describe_turns
from m2m.file_selection.own_columns import describe_further_fields
from m2m.file_selection.written_files import FileSelection
from m2m.runtime.visible_text import quote_value

CONTEXT_FIELDS = {"input", "context"}
TRUE_WORDS, FALSE_WORDS = {"true", "1", "1.0"}, {"false", "0", "0.0"}
DOCUMENTS = METADATA | {"README.md", "LICENSE"}  # no person takes them for rows
QUOTED_ENTRIES = 3

Records = Sequence[Mapping[str, Any]]


def list_notes(selection: FileSelection, form: SelectFormat) -> list[str]:
    """Where the pool differs from the files, and the written files from the records."""
    pool, subset = selection.pool, selection.comparison.subset
    rows, records, names = subset.selection.draw.rows, selection.records, selection.names
    notes = [
        *describe_unread_files(pool),
        *([] if selection.overlaps is None else selection.overlaps.unreadable),
        *describe_contexts(pool, records, names),
        *describe_labels(records, names, rows),
        *describe_completed_fields(pool, form),
        *describe_turns(pool, subset.table["id"], form),
    ]
    if form != "original":
        notes += describe_beginnings(pool, rows, selection.originals)
        notes += describe_reasoning(pool.without_reasoning)
    return [*notes, *describe_further_fields(names, form)]


def describe_unread_files(pool: FilePool) -> list[str]:
    """A sentence a folder with files or folders that were not read; hidden ones and documents do not count."""
    sentences = []
    for source, path in pool.paths.items():
        if not Path(path).is_dir():
            continue
        files, _ = list_files(Path(path))
        entries = [entry for entry in sorted(Path(path).iterdir()) if entry not in files and _is_shown(entry.name)]
        if entries:
            quoted = ", ".join(quote_value(entry.name + "/" * entry.is_dir()) for entry in entries[:QUOTED_ENTRIES])
            quoted += " …" * (len(entries) > QUOTED_ENTRIES)
            pattern = quote_value(f"{source}/**/*{files[0].suffix}")
            sentences.append(
                f"{len(entries):,} entries of {source} were not read ({quoted}): "
                f"name them too, or a pattern such as {pattern}"
            )
    return sentences


def describe_contexts(pool: FilePool, records: Records, names: Sequence[str]) -> list[str]:
    """A sentence where columns are named, and `records` have a filled input or context beside them."""
    if not any(pool.settings.columns.names):
        return []
    contexts = _find_names(names, CONTEXT_FIELDS)
    count = sum(any(has_text(record.get(name)) for name in contexts) for record in records)
    if not count:
        return []
    return [
        f"{count:,} of {len(records):,} rows have a filled {' or '.join(map(quote_value, contexts))}, which is no part "
        "of their prompt: leave out --prompt-column and --response-column to have it read"
    ]


def describe_labels(records: Records, names: Sequence[str], rows: Int64[np.ndarray, "rows"]) -> list[str]:
    """A sentence where labels of `records` are false or 0 as text or number: only a boolean leaves a row out."""
    for name in _find_names(names, {"label"}):
        labels = [str(record.get(name, "")).strip().lower() for record in records]
        count = sum(label in FALSE_WORDS for label in labels)
        if count and set(labels) <= {*TRUE_WORDS, *FALSE_WORDS, "none", ""}:
            selected = sum(labels[row] in FALSE_WORDS for row in rows)
            return [
                f"{count:,} of {len(records):,} rows have a {quote_value(name)} of false or 0 that is no boolean: none "
                f"was left out, and {selected:,} of them were chosen; to leave them out, name the column train (true, "
                "false) or weight (1, 0)"
            ]
    return []


def describe_completed_fields(pool: FilePool, form: SelectFormat) -> list[str]:
    """A sentence where rows have fields of their duplicates."""
    if not pool.completed:
        return []
    place = ", but not into the original records" if form == "original" else ""
    return [f"{pool.completed:,} rows lacked fields that a duplicate of them has: its values were filled in{place}"]


def _is_shown(name: str) -> bool:
    return not name.startswith((".", "_")) and name not in DOCUMENTS


def _find_names(names: Sequence[str], plain: set[str]) -> list[str]:
    return [name for name in names if name.strip().lower() in plain]
