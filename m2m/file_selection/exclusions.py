"""Leaves out rows of a file's pool that share text with evaluation prompts, or are not among the best by a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool

from m2m.data.benchmarks.eval_prompts import NO_PROMPT, convert_records
from m2m.data.benchmarks.overlap import find_overlaps
from m2m.data.pool.pool import list_reasons
from m2m.data.records.read_files import read_files
from m2m.file_selection.dialogues import list_prompt_texts
from m2m.file_selection.file_pool import FilePool
from m2m.selection.left_out import LeftOut, Prefilter, leave_out_rows
from m2m.selection.quality import parse_scores
from m2m.strategies import SIDES, get_strategy

NO_FIELD = NO_PROMPT.replace("no record has", "has none of")


@dataclass(frozen=True)
class ExclusionSettings:
    """Which rows are no candidates."""

    prompts: tuple[str, ...]
    overlap: Literal["keep", "drop"]
    quality: str
    quality_share: float
    like: str
    """path of example rows"""
    like_share: float
    """the share most like them that stays; 1 keeps all"""


class PromptOverlaps(NamedTuple):
    """Where rows of the pool share text with one of `prompts` evaluation prompts; `table` has schema Overlaps."""

    table: pl.DataFrame
    prompts: int
    unreadable: list[str]
    """a sentence a file with records that have no prompt"""


def check_exclusions(settings: ExclusionSettings) -> None:
    """ValueError where a setting needs another, or is out of its range."""
    if settings.overlap == "drop" and not settings.prompts:
        raise ValueError("--overlap drop needs --prompts, the files of the evaluation prompts")
    if not 0 < settings.quality_share <= 1:
        raise ValueError(f"--quality-share must be above 0 and at most 1, got {settings.quality_share}")
    if not 0 < settings.like_share <= 1:
        raise ValueError(f"--like-share must be above 0 and at most 1, got {settings.like_share}")
    if settings.like_share < 1 and not settings.like:
        raise ValueError("--like-share needs --like, a file of example rows")
    if settings.quality_share < 1 and not settings.quality:
        raise ValueError("--quality-share needs --quality, the name of a number field of your records")


def find_prompt_overlaps(pool: FilePool, paths: Sequence[str]) -> PromptOverlaps | None:
    """The overlaps of `pool` with the prompts in the files `paths`; None without files."""
    if not paths:
        return None
    files = [_read_prompts(path) for path in paths]
    prompts = pl.concat(table for table, _ in files).unique("id", maintain_order=True)
    unreadable = [sentence for _, sentence in files if sentence]
    return PromptOverlaps(find_overlaps(pool.rows, prompts), prompts.height, unreadable)


def leave_out_of_pool(
    pool: FilePool,
    inside: Bool[np.ndarray, "rows"],
    overlaps: PromptOverlaps | None,
    settings: ExclusionSettings,
    prefilter: Prefilter | None,
) -> LeftOut:
    """The rows `inside` the length window that `settings` leave out, and `prefilter`."""
    overlapping = scores = None
    if settings.overlap == "drop" and overlaps is not None:
        overlapping = pool.rows["id"].is_in(overlaps.table["id"].implode()).to_numpy()
    if settings.quality:
        scores = parse_scores(pool.places["fields"], settings.quality, "--quality")
    return leave_out_rows(inside, overlapping, scores, settings.quality, settings.quality_share, prefilter)


def describe_overlaps(
    overlaps: PromptOverlaps, pool: FilePool, chosen: pl.Series, overlap: Literal["keep", "drop"]
) -> str:
    """How many rows share text with how many prompts, and what became of them; `chosen` are the ids of the subset."""
    ids, prompts = overlaps.table["id"].unique(), overlaps.table["prompt"].n_unique()
    found = (
        f"{len(ids):,} of {len(pool.rows):,} rows share text with "
        f"{prompts:,} of {overlaps.prompts:,} evaluation prompts"
    )
    if overlap == "drop":
        return f"{found}; they were no candidates"
    return f"{found}; {int(chosen.is_in(ids.implode()).sum()):,} of them were chosen (--overlap drop leaves them out)"


def describe_quality(left_out: LeftOut, strategy: str) -> str:
    """How many rows the best share has no room for; of a share that keeps all, whether `strategy` reads the number."""
    summary = left_out.summary
    unscored = f"{summary['rows_without_quality']:,} rows have no such number and come last"
    if summary["quality_share"] == 1:
        use = "chooses by it" if get_strategy(strategy).needs_quality else "does not read it: set --quality-share"
        return f"{summary['quality']!r} left out no row, and {strategy} {use}; {unscored}"
    return (
        f"only the best {summary['quality_share']:.6g} by {summary['quality']!r} were candidates; "
        f"{summary['rows_below_quality']:,} rows were left out; {unscored}"
    )


def describe_prefilter(left_out: LeftOut) -> str:
    """How many rows are too little like the examples."""
    summary = left_out.summary
    return (
        f"only the {summary['prefilter_share']:.6g} most like the examples by {summary['prefilter']} were candidates; "
        f"{summary['rows_unlike_examples']:,} rows were left out"
        + (f"; {summary['rows_without_match']:,} that stay match no example" if summary["rows_without_match"] else "")
    )


def describe_examples(pool: FilePool, examples: pl.DataFrame, chosen: pl.Series) -> str:
    """How many rows of `pool` are among `examples`, and how many of these are `chosen` (ids); empty for none."""
    rows = pool.rows.join(examples, on=SIDES, how="semi")
    if rows.is_empty():
        return ""
    count = int(rows["id"].is_in(chosen.implode()).sum())
    return f"{len(rows):,} rows of the pool are among the examples, and {count:,} of them were chosen"


def _read_prompts(path: str) -> tuple[pl.DataFrame, str]:
    """The prompts in `path`, and how many of its records have none, with the reasons; empty where all have one.

    A record is a prompt as the stage `benchmark` reads it, and each of its user turns is one.
    """
    records, name = list(read_files(path)), Path(path).name
    texts = [list_prompt_texts(record.value) for record in records]
    turns = [{"instruction": text} for group in texts for text in group]
    prompts = convert_records(name, [*(record.value for record in records), *turns], {})
    if prompts.is_empty():
        reason = next((record.reason for record in records if record.reason), NO_PROMPT)
        raise ValueError(f"--prompts {path} has no prompt: {len(records)} records read; {reason}")
    reasons = [record.reason or NO_FIELD for record, group in zip(records, texts, strict=True) if not group]
    listed = list_reasons(pl.DataFrame({"reason": reasons}, schema={"reason": pl.String})).removeprefix("; ")
    sentence = f"{len(reasons):,} of {len(records):,} records of {name} have no prompt and were compared with no row"
    return prompts, f"{sentence}: {listed}" if reasons else ""
