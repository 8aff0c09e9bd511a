"""Reads what raters saved, refuses what is not of the sheet, and turns left and right into wins of the first model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from jaxtyping import Float64
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from m2m.human.sheet import SheetKey

Saved = TypeVar("Saved", bound=BaseModel)
MOST_BYTES = 5_000_000
SAVE_AGAIN = "Save the ratings again from their page, or export the sheet again."
LEFT_SHARE = {"left": 1.0, "tie": 0.5, "right": 0.0}


class Ratings(BaseModel):
    """One rater's file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    sheet: str
    rater: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
    choices: dict[str, Literal["left", "right", "tie"]] = Field(min_length=1)


def read_sheet_key(path: Path) -> SheetKey:
    """The key of a sheet; ValueError where the file is none, or names an item or a prompt twice."""
    key = _read(path, SheetKey)
    for values in ([pair.item for pair in key.pairs], [pair.id for pair in key.pairs]):
        if len(set(values)) < len(values):
            raise ValueError(f"{path} names an item or a prompt twice: export the sheet again")
    return key


def read_ratings(paths: Sequence[Path], key: SheetKey) -> tuple[list[str], Float64[np.ndarray, "raters items"]]:
    """The raters, sorted, and the first model's share of each pair: 1, 0.5 or 0; NaN where a rater left a pair out.

    ValueError for a file that is not JSON, is of another sheet, has an unknown pair or choice, or is too large, and for
    two files of one rater.
    """
    files = sorted(((_read(path, Ratings), path) for path in paths), key=lambda file: file[0].rater)
    places = {str(pair.item): place for place, pair in enumerate(key.pairs)}
    table = np.full((len(files), len(key.pairs)), np.nan)
    for row, (ratings, path) in enumerate(files):
        if ratings.sheet != key.sheet:
            raise ValueError(f"{path} rates sheet {ratings.sheet!r:.40}, the key is of {key.sheet}: name its own files")
        if row and ratings.rater == files[row - 1][0].rater:
            raise ValueError(f"{path} and {files[row - 1][1]} are both of rater {ratings.rater!r}: keep one of them")
        for item, choice in ratings.choices.items():
            if item not in places:
                raise ValueError(
                    f"{path} rates pair {item!r:.24}, not in the sheet of {len(places)} pairs. {SAVE_AGAIN}"
                )
            share = LEFT_SHARE[choice]
            table[row, places[item]] = share if key.pairs[places[item]].first_is_left else 1 - share
    return [ratings.rater for ratings, _ in files], table


def _read(path: Path, model: type[Saved]) -> Saved:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}: it is not a saved sheet")
    try:
        return model.model_validate(json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_require_unique))
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply: it is not a saved sheet. {SAVE_AGAIN}") from error
    except ValidationError as errors:
        case = errors.errors()[0]
        place = ".".join(map(str, case["loc"]))[:60]
        raise ValueError(f"{path} is not a saved sheet: {place or 'the file'}: {case['msg']}. {SAVE_AGAIN}") from errors
    except ValueError as error:
        raise ValueError(f"{path} is not a saved sheet: {str(error)[:200]}. {SAVE_AGAIN}") from error


def _require_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a name stands in it twice")
    return dict(pairs)
