"""The study's record: the rows of every analysis, and the verdict in words."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from m2m.schemas.study_rows import (
    AgainstRandomRow,
    ClaimRow,
    FamilyRow,
    FloorRow,
    HypothesisRow,
    LengthRow,
    MatchedRow,
    MetricRow,
    PaperRow,
    SettingRow,
    ShapeRow,
    SlopeRow,
    VerdictRow,
)


class Study(TypedDict):
    """Everything that the study says of a grid; the main outcome and the main setting come first."""

    cells: int
    cells_left_out: int
    provenance: str
    outcomes: list[str]
    settings: list[SettingRow]
    floors: list[FloorRow]
    against_random: list[AgainstRandomRow]
    matched: list[MatchedRow]
    slopes: list[SlopeRow]
    shapes: list[ShapeRow]
    lengths: list[LengthRow]
    metrics: list[MetricRow]
    claims: list[ClaimRow]
    paper: list[PaperRow]
    verdict: list[VerdictRow]
    confirmed: NotRequired[list[AgainstRandomRow]]
    """of a staged grid: its last rung against random, fresh cells alone"""
    hypotheses: NotRequired[list[HypothesisRow]]
    """what was registered: `analyze.hypotheses`, of the primary outcome and setting"""
    family: NotRequired[list[FamilyRow]]
    """their tests: one family, apart from all other rows"""


NUMBERS = {  # what a row has unless it has a `reason`
    "floors": "sd",
    "against_random": "value",
    "matched": "value",
    "slopes": "value",
    "shapes": "p",
    "lengths": "plain",
    "claims": "state",
    "family": "p_holm",
}


def validate_study(record: dict[str, Any]) -> Study:
    """`record` as it is; ValueError names the first key that is missing, unknown or of another type."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    strict = with_config(ConfigDict(extra="forbid", strict=True))(Study)  # it holds for the rows too
    try:
        study = TypeAdapter(strict).validate_python(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{_join_keys(first['loc'])}: {first['msg']}") from error
    for name, number in NUMBERS.items():
        for position, row in enumerate(record.get(name, [])):
            if number not in row and "reason" not in row:
                raise ValueError(f"{_join_keys((name, position))} must have `{number}` or a `reason`")
    return study


def _join_keys(keys: tuple[str | int, ...]) -> str:
    """'slopes[3].value'."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")
