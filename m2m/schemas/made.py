"""made.json beside a study's grid: what the cells of each provenance were made of and when, and the table's hash."""

from typing import Any

from typing_extensions import TypedDict


class GridFile(TypedDict):
    """The table as it was collected."""

    rows: int
    sha256: str


class Made(TypedDict, total=False):
    """What the cells of one provenance share; older versions recorded less."""

    code: dict[str, str]
    data: dict[str, str]
    settings: dict[str, dict[str, Any]]
    commands: dict[str, str]
    passes: dict[str, dict[str, Any]]
    hardware: dict[str, Any]
    base: dict[str, Any]
    days: dict[str, str]
    grid: GridFile


def validate_made(record: dict[str, Any]) -> dict[str, Made]:
    """`record` as it is, an entry a provenance; ValueError names the first key that is missing or of another type."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

    strict = with_config(ConfigDict(extra="allow", strict=True))(Made)
    try:
        return TypeAdapter(dict[str, strict]).validate_python(record)  # type: ignore[valid-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
