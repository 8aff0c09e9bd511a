"""What is known of a subset → its data card, in Markdown with the header that the Hugging Face hub reads."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from m2m.study.cells.cells import NO_DEGREE
from m2m.study.cells.labels import name_configuration

SIDES = ("instruction", "response")
HEADER = "---\nconfigs:\n- config_name: default\n  data_files: {file}\ntask_categories:\n- text-generation\n---"
QUANTILES = {"shortest": 0.0, "10 %": 0.1, "median": 0.5, "90 %": 0.9, "longest": 1.0}


class Card(NamedTuple):
    """The parts of a card; all texts are from settings and locks, none from the pool."""

    file: str
    settings: Mapping[str, Any]  # of subset
    rows: Sequence[Mapping[str, Any]]  # source, kind, licence and rows, one for each source
    made: Mapping[str, Any]  # commits, hashes
    lengths: pl.DataFrame  # columns {side} characters, {side} tokens; one row a pair
    chosen: Mapping[str, Any]  # k, candidate_rows, units_covered …
    diversity: Mapping[str, float]  # metrics by name, each starting with its side


def card(known: Card) -> str:
    """The whole card."""
    asked = known.settings
    dial = ", which has no degree" if asked["strategy"] in NO_DEGREE else " of 0..6"
    sides = pl.DataFrame(
        [{"metric": name, **{side: known.diversity.get(f"{side}_{name}") for side in SIDES}} for name in _names(known)]
    )
    return (
        "\n\n".join(
            [
                HEADER.format(file=known.file),
                f"# {known.lengths.height} rows for fine-tuning, chosen by {name_configuration(asked)}",
                f"A subset of {known.chosen['pool_rows']} rows, chosen by {name_configuration(asked)}{dial}. "
                "The rows stand in the order in which they were chosen.",
                "## Sources and licences",
                _table(known.rows),
                "The rows stand under the licences of their sources; this card grants none.",
                "## How they were chosen",
                _table([{"setting": name, "value": value} for name, value in asked.items()]),
                _table([{"outcome": name, "value": value} for name, value in known.chosen.items()]),
                "## Length",
                _table(lengths(known.lengths)),
                *(["## Diversity", _table(sides.to_dicts())] if known.diversity else []),
                "## What made it",
                _table([{"what": name, "value": value} for name, value in known.made.items()]),
            ]
        )
        + "\n"
    )


def lengths(table: pl.DataFrame) -> list[dict[str, Any]]:
    """One row a column of `table`: its mean, and what is at most so long."""
    rows = []
    for name in table.columns:
        values = table[name].to_numpy()
        points = {word: round(float(np.quantile(values, share))) for word, share in QUANTILES.items()}
        rows.append({"length": name, "mean": round(float(values.mean()), 1), **points})
    return rows


def _names(known: Card) -> list[str]:
    return sorted({name.split("_", 1)[1] for name in known.diversity})


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = list(rows[0])
    lines = [[_cell(row[name]) for name in head] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def _cell(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
