"""Writes a blind sheet of pairs of answers for people to rate, and the key that says whose answers they are."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import polars as pl
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from m2m.human.judge_shares import score_by_likelihood
from m2m.runtime.atomic_files import write_text
from m2m.study.report.html_page import render_page

TEMPLATES = Path(__file__).parent / "templates"


class KeyPair(BaseModel):
    """One pair of a sheet: its prompt, and whether the first model's answer is on the left."""

    model_config = ConfigDict(extra="forbid", strict=True)
    item: int = Field(ge=1)
    id: str
    first_is_left: bool


class Model(BaseModel):
    """One of the two models of a sheet."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    answers: str = Field(pattern=r"^[0-9a-f]{32}$")
    """MD5 of the file of its answers, as dvc.lock has it"""
    unanswered: list[str] = []
    """prompts without an answer of it, which are left out; keys of before name none"""


class SheetKey(BaseModel):
    """What raters must not see; it stays with the person who exports."""

    model_config = ConfigDict(extra="forbid", strict=True)
    sheet: str = Field(pattern=r"^[0-9a-f]{16}$")
    first: Model
    second: Model
    identical: list[str]
    """prompts with two equal answers: they are ties, and nobody rates them"""
    different: int = Field(ge=2)
    """prompts with two different answers, of which the pairs are a random sample"""
    likelihood: dict[str, Annotated[float, Field(ge=0, le=1)]]
    """the first model's share (0, 0.5, 1) by the likelihood of the reference, for each prompt that has one"""
    pairs: list[KeyPair]


class Sheet(NamedTuple):
    """The pairs as raters see them, and their key."""

    pairs: list[dict[str, Any]]
    """item, question, left and right"""
    key: SheetKey


def draw_sheet(games: pl.DataFrame, count: int, seed: int, first: Model, second: Model) -> Sheet:
    """At most `count` pairs at random of the `games` (judging.match_answers) whose answers differ, sides at random.

    A plain random sample keeps the corrected win rate unbiased. `first` and `second` are the models of the columns
    candidate_answer and opponent_answer. ValueError for a count below 2, and where fewer than 2 pairs differ.
    """
    if count < 2:
        raise ValueError(f"--pairs must be at least 2, got {count}")
    equal = pl.col("candidate_answer").str.strip_chars() == pl.col("opponent_answer").str.strip_chars()
    different = games.filter(~equal).sort("id")
    if different.height < 2:
        raise ValueError(f"only {different.height} of {games.height} prompts have two different answers")
    rng = np.random.default_rng(seed)
    rows = rng.permutation(different.height)[:count]
    on_left = rng.integers(0, 2, len(rows)).astype(bool)
    pairs, key = [], []
    for item, (row, first_is_left) in enumerate(zip(rows.tolist(), on_left.tolist(), strict=True), 1):
        game = different.row(row, named=True)
        answers = game["candidate_answer"], game["opponent_answer"]
        sides = answers if first_is_left else answers[::-1]
        pairs.append({"item": item, "question": game["instruction"], "left": sides[0], "right": sides[1]})
        key.append(KeyPair(item=item, id=game["id"], first_is_left=first_is_left))
    digest = hashlib.sha256(json.dumps(pairs, ensure_ascii=True).encode()).hexdigest()[:16]
    identical = games.filter(equal)["id"].sort().to_list()
    return Sheet(
        pairs,
        SheetKey(
            sheet=digest,
            first=first,
            second=second,
            identical=identical,
            different=different.height,
            likelihood=score_by_likelihood(games),
            pairs=key,
        ),
    )


def describe_unanswered(key: SheetKey) -> list[str]:
    """A sentence on each model that left prompts without an answer."""
    left_out = {prompt for model in (key.first, key.second) for prompt in model.unanswered}
    count = key.different + len(key.identical) + len(left_out)
    return [
        f"{len(model.unanswered)} of {count} prompts have no answer of {model.name}"
        for model in (key.first, key.second)
        if model.unanswered
    ]


def write_sheet(sheet: Sheet, page: Path, key: Path) -> None:
    """Write the page for raters and the key. The page names no model, and needs no other file and no network."""
    data = json.dumps({"sheet": sheet.key.sheet, "pairs": sheet.pairs}, ensure_ascii=True).replace("<", "\\u003c")
    write_text(page, render_page(TEMPLATES, "rating_sheet", {"sheet": Markup(data)}))
    write_text(key, sheet.key.model_dump_json(indent=1) + "\n")
