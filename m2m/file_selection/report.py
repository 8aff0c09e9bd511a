"""Words the report of a selection: what was read, the units, the table of degrees, length, evidence, files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from m2m.file_selection.arms import RANDOM, ArmFigures, Comparison
from m2m.strategies import get_strategy
from m2m.units.micro.token_units import TokenUnits

NOUNS = {"macro": "clusters", "meso": "key phrases", "micro": "token types"}
HEADINGS = ("rows", "tokens/row", "entropy", "types", "shared with random")
LABEL_WIDTH = 11


def describe_choice_units(comparison: Comparison, tokenizer: str, band: TokenUnits | None) -> str:
    """What the strategy chooses by, how many units and rows there are, and which rows it can never choose."""
    strategy, summary = comparison.settings.strategy, comparison.subset.summary
    entry = get_strategy(strategy)
    if entry.scale == "micro" and band is not None:
        return f"{band.summary}; token types of the {entry.side}s, by {tokenizer}"
    if entry.has_units:
        rows, empty = summary["pool_rows"], summary["rows_without_unit"]
        noun = f"{NOUNS[str(entry.scale)]} of the {entry.side}s"
        left_out = f"{empty:,} of {rows:,} rows carry none and cannot be chosen by them"
        return f"{summary['k_max']:,} {noun}; {left_out}; lengths in tokens of {tokenizer}"
    if entry.reads.startswith("data/units/"):
        units = get_strategy(Path(entry.reads).stem)
        return f"{strategy} covers {NOUNS[str(units.scale)]} of the {units.side}s; lengths in tokens of {tokenizer}"
    return f"{strategy} has no units of its own; lengths in tokens of {tokenizer}"


def format_arms(figures: Sequence[ArmFigures], chosen: str, types: str) -> list[str]:
    """The table of the arms; an arrow marks `chosen`, `types` is the heading of what is covered."""
    names = [f"{row.name} ←" if row.name == chosen else row.name for row in figures]
    cells = [
        (
            f"{row.rows:,}",
            f"{row.tokens_per_row:,.1f}",
            f"{row.entropy:.2f}",
            f"{row.types:,}",
            "–" if row.name == RANDOM else f"{row.shared:,}",
        )
        for row in figures
    ]
    headings = tuple(types if heading == "types" else heading for heading in HEADINGS)
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    first = max(LABEL_WIDTH, *(len(name) + 1 for name in names))
    lines = [("", headings), *zip(names, cells, strict=True)]
    return [
        f"{name:<{first}}" + "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for name, row in lines
    ]


def name_types(strategy: str) -> str:
    """The heading for what a subset covers: units of the strategy, or without units the types of all tokens.

    >>> name_types("response-micro"), name_types("instruction-meso"), name_types("type-cover")
    ('band types', 'phrases', 'all types')
    """
    scale = get_strategy(strategy).scale
    return {"macro": "clusters", "meso": "phrases", "micro": "band types"}.get(str(scale), "all types")


def describe_length(figures: Sequence[ArmFigures], comparison: Comparison) -> str:
    """How many times random's tokens the subset trains, and the flag that would make them equal."""
    chosen, baseline = (_count_trained(comparison.arms[name].summary) for name in (comparison.chosen, RANDOM))
    if comparison.chosen == RANDOM:
        return f"{baseline:,} response tokens with the end token of each row"
    ratio = f"{comparison.chosen} has {chosen / baseline:.1f} × random's tokens ({chosen:,} against {baseline:,})"
    if comparison.settings.lengths == "as-random":
        ratio += "; lengths are random's on average, and this random subset differs from that by chance"
    if comparison.settings.budget == "tokens":
        return ratio
    return f"{ratio}; at equal tokens: --tokens {baseline}"


def format_line(label: str, text: str) -> str:
    """A line of the report: its label in a column of its own."""
    return f"{label:<{LABEL_WIDTH}}{text}" if len(label) < LABEL_WIDTH else f"{label}  {text}"


def list_left_over(reasons: pl.Series) -> str:
    """The reasons and their counts, the most frequent first."""
    counts = reasons.drop_nulls().value_counts().sort("count", reasons.name, descending=[True, False])
    return "; ".join(f"{count:,} × {reason}" for reason, count in counts.rows())


def _count_trained(summary: dict[str, Any]) -> int:
    """Response tokens and the end token of each row."""
    return int(summary["response_tokens"]) + int(summary["rows"])
