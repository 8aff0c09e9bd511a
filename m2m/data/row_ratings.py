"""An LLM's reply about a row → a score from 1 to 6; and that no record has a field of the score's name."""

import json
import re

import polars as pl

LOWEST, HIGHEST = 1, 6  # as in DEITA (Liu et al. 2024)
RATING = re.compile(r"[\s\"'`*]*([0-9](?:\.[0-9]{1,9})?)[\s\"'`*.]*")  # with the signs that chat models put around it


def parse_rating(text: str) -> float:
    """The one number in `text`, from 1 to 6; ValueError: what is wrong. Words beside it are an error.

    >>> parse_rating("4"), parse_rating(" **4.5**. ")
    (4.0, 4.5)
    >>> parse_rating("Score: 4")
    Traceback (most recent call last):
    ValueError: it must be one number from 1 to 6 and nothing else
    """
    number = RATING.fullmatch(text)
    if not number or not LOWEST <= float(number[1]) <= HIGHEST:
        raise ValueError(f"it must be one number from {LOWEST} to {HIGHEST} and nothing else")
    return float(number[1])


def require_free_name(origins: pl.DataFrame, name: str) -> None:
    """ValueError where a record has a field `name` of its own; `origins` has id, and fields as a JSON object."""
    for id, fields in origins.filter(pl.col("fields").str.contains(name, literal=True)).rows():
        if name in json.loads(fields):
            raise ValueError(
                f"no record may have a field {name}, since the LLM's scores have that name, but row {id} has one: "
                "rename the field"
            )
