"""Renders the data card of a subset: Markdown with the header that the Hugging Face hub reads."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from m2m.runtime.visible_text import escape_markdown
from m2m.strategies import NO_DEGREE, SIDES
from m2m.study.cells.labels import name_configuration

HEADER = "---\nconfigs:\n- config_name: default\n  data_files: {file}\ntask_categories:\n- text-generation\n---"
QUANTILES = {"shortest": 0.0, "10 %": 0.1, "median": 0.5, "90 %": 0.9, "longest": 1.0}
OUTCOMES = (
    "rows",
    "pool_rows",
    "rows_without_match",
    "rows_without_unit",
    "candidate_rows",
    "k",
    "k_min",
    "k_max",
    "units_covered",
    "k_evenness",
    "response_tokens",
)


class Card(NamedTuple):
    """The contents of a card; names and values of the pool are escaped."""

    file: str
    settings: Mapping[str, Any]  # of `subset`
    sources: Sequence[Mapping[str, Any]]  # a row a source: rows, origin, licence, responses
    hashes: Mapping[str, Any]  # commits and checksums
    lengths: pl.DataFrame  # a column a length, one row a pair
    summary: Mapping[str, Any]  # the subset's: k, candidate_rows, units_covered …
    diversity: Mapping[str, float]  # metrics by name, each beginning with its side
    overlaps: int | None  # rows of the subset that share text with an evaluation prompt; None: not counted
    tokenizer: str  # of the lengths
    unit_tokenizer: str  # of the units of a micro strategy
    evidence: str  # of the configuration, from the study
    composition: Mapping[str, Sequence[Mapping[str, Any]]] = {}  # tables by heading
    notes: Sequence[str] = ()  # what else a reader of the files has to know


def render_card(card: Card) -> str:
    """The card as Markdown."""
    degree = ", which has no degree" if card.settings["strategy"] in NO_DEGREE else " of 0..6"
    chosen = name_configuration(card.settings)
    metrics = sorted({name.split("_", 1)[1] for name in card.diversity})
    table = [{"metric": name} | {side: card.diversity.get(f"{side}_{name}") for side in SIDES} for name in metrics]
    outcomes = {name: card.summary[name] for name in OUTCOMES if name in card.summary}
    sections = [
        HEADER.format(file=card.file),
        f"# {card.lengths.height} rows for fine-tuning, chosen by {chosen}",
        f"{card.lengths.height} of {card.summary['pool_rows']} candidate rows, chosen by {chosen}{degree}. "
        "The rows are in the order in which they were chosen.",
        *(f"{escape_markdown(note)}." for note in card.notes),
        "## Evidence",
        card.evidence,
        "## Sources and licences",
        _table(card.sources),
        "Each row keeps the licence of its source; this card grants none.",
        *(part for head, table in card.composition.items() for part in (f"### {escape_markdown(head)}", _table(table))),
        "## How the rows were chosen",
        *describe_limits(card.settings, card.summary, card.tokenizer, card.unit_tokenizer),
        *map(escape_markdown, describe_left_out(card.summary)),
        describe_overlap(card.overlaps),
        _table([{"setting": name, "value": value} for name, value in card.settings.items()]),
        _table([{"outcome": name, "value": value} for name, value in outcomes.items()]),
        "## Length",
        f"Tokens of {card.tokenizer}. These counts and `response_tokens` are without the end token of each row.",
        _table(describe_lengths(card.lengths)),
        *(["## Diversity", _table(table)] if table else []),
        "## Provenance",
        _table([{"item": name, "value": value} for name, value in card.hashes.items()]),
    ]
    return "\n\n".join(sections) + "\n"


def describe_limits(
    settings: Mapping[str, Any], summary: Mapping[str, Any], tokenizer: str, unit_tokenizer: str
) -> list[str]:
    """What the units and the lengths are, the rows that are never chosen, and the degrees that give the same subset."""
    lines = []
    if settings["strategy"].endswith("-micro"):
        lines.append(f"The units are token types of {unit_tokenizer}.")
        if unit_tokenizer != tokenizer:
            lines.append(f"The model that is trained reads other tokens: those of {tokenizer}.")
    if summary.get("lengths") == "as-random":
        lines.append(
            "The rows were chosen inside strata of response length: their lengths are random rows' on average."
        )
    if count := summary.get("rows_without_unit"):
        lines.append(f"{count} of {summary['pool_rows']} rows carry no unit, so this strategy can never choose them.")
    for group in summary.get("collapsed_degrees", []):
        degrees = ", ".join(map(str, group))
        lines.append(f"Degrees {degrees} give the same subset: the pool is too small for this size and slack.")
    return lines


def describe_left_out(summary: Mapping[str, Any]) -> list[str]:
    """The rows that were no candidates, by what left them out; names in it are those of the settings, not escaped."""
    lines = []
    if "overlapping_rows_dropped" in summary:
        count = summary["overlapping_rows_dropped"]
        lines.append(f"{count} rows that share text with an evaluation prompt were no candidates.")
    if "quality" in summary and summary["quality_share"] < 1:
        lines.append(
            f"Only the best {summary['quality_share']:.6g} of the rows by {summary['quality']} were candidates: "
            f"{summary['rows_below_quality']} were left out. "
            f"{summary['rows_without_quality']} rows have no such number and come last."
        )
    if "prefilter" in summary:
        lines.append(
            f"Only the {summary['prefilter_share']:.6g} of the rows most like the examples by {summary['prefilter']} "
            f"were candidates: {summary['rows_unlike_examples']} were left out."
        )
        if count := summary.get("rows_without_match"):
            lines.append(f"{count} of the candidates match no example at all: they fill up that share.")
    return lines


def describe_overlap(count: int | None) -> str:
    """How many rows of the subset share text with an evaluation prompt; None where nobody has looked."""
    if count is None:
        return "Overlap with evaluation prompts was not counted: no prompts were read."
    shared = "an equal text or paragraph, or 13 words in a row"
    return f"{count} of these rows share text with an evaluation prompt ({shared})."


def describe_lengths(table: pl.DataFrame) -> list[dict[str, Any]]:
    """One row a column of `table`: its mean and quantiles."""
    rows = []
    for name in table.columns:
        values = table[name].to_numpy()
        points = {header: round(float(np.quantile(values, share))) for header, share in QUANTILES.items()}
        rows.append({"length": name, "mean": round(float(values.mean()), 1), **points})
    return rows


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = list(rows[0])
    lines = [[_cell(row[name]) for name in head] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else escape_markdown(str(value))
