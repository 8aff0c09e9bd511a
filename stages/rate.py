"""Pairs → an LLM's score of each row's complexity or quality, 1 to 6: only where `subset.quality` names that score."""

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.data.row_ratings import parse_rating, require_free_name
from m2m.llm.client.request import Endpoint, Request
from m2m.llm.prompt_template import fill_template, wrap_as_data
from m2m.llm_fields import explain_unrated, list_llm_fields
from m2m.runtime.artifacts import get_columns, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.ratings import RowRatings
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.unusable import Unusable
from m2m.table_slices import read_slices
from m2m.units.meso.structured_replies import Unparsed, ask_in_form

SIDES_READ = {"complexity": ("instruction",), "quality": ("instruction", "response")}


def main(
    pairs: Path,
    row_origins: Path,
    template: Path,
    ratings: Path,
    rejected: Path,
    /,
    *,
    field: Literal["complexity", "quality"],
    quality: str | None,
    engine: Literal["none", "endpoint", "local"],
    temperature: float,
    reply_tokens: int,
    endpoint: Endpoint,
) -> None:
    """The scores of DEITA: the instruction's complexity, and the quality of the response to it.

    `quality` is `subset.quality`. Unless it names this score, llm_complexity or llm_quality, no LLM is asked and the
    tables have no rows. A reply that is no score from 1 to 6 after two tries leaves the row without one.
    """
    scores, unusable = pl.DataFrame(schema=get_columns(RowRatings)), pl.DataFrame(schema=get_columns(Unusable))
    name = f"llm_{field}"
    if name in list_llm_fields(quality):
        if engine == "none":
            raise ValueError(explain_unrated(quality, engine))
        for origins in read_slices(row_origins, RowOrigins, ["id", "fields"]):
            require_free_name(origins, name)
        ids = [id for table in read_slices(pairs, Pairs, ["id"]) for id in table["id"]]
        prompt = template.read_text(encoding="utf-8")
        read = partial(_write_requests, pairs, SIDES_READ[field], prompt, reply_tokens, temperature)
        scores, unusable = _split(ids, ask_in_form(read, parse_rating, engine, endpoint, f"rate {field}"))
        print(f"rate {field}: {unusable.height} of {len(ids)} rows got no score, see {rejected}", file=sys.stderr)
    elif engine != "none":
        print(f"rate {field}: no row is rated, since subset.quality does not name {name}", file=sys.stderr)
    write_table(ratings, RowRatings, scores)
    write_table(rejected, Unusable, unusable)


def _write_requests(
    pairs: Path, sides: Sequence[str], prompt: str, reply_tokens: int, temperature: float
) -> Iterator[list[Request]]:
    """One request a row, a slice of rows at once."""
    for table in read_slices(pairs, Pairs, ["id", *sides]):
        rows = table.select(sides).iter_rows(named=True)
        texts = (fill_template(prompt, {side: wrap_as_data(text) for side, text in row.items()}) for row in rows)
        yield [Request((text,), reply_tokens, temperature=temperature) for text in texts]


def _split(ids: list[str], answers: list[float | Unparsed]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The columns id, score of all rows; id, reason, text of those without a score. ValueError when none got one."""
    rows = list(zip(ids, answers, strict=True))
    lost = [(id, answer.reason, answer.text) for id, answer in rows if isinstance(answer, Unparsed)]
    if len(lost) == len(rows):
        raise ValueError(f"no row got a score; the first, {lost[0][0]}: {lost[0][1]}; check the model and the prompt")
    scores = [(id, None if isinstance(answer, Unparsed) else answer) for id, answer in rows]
    return (
        pl.DataFrame(scores, get_columns(RowRatings), orient="row"),
        pl.DataFrame(lost, get_columns(Unusable), orient="row"),
    )


if __name__ == "__main__":
    run(main)
