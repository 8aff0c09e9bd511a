"""A row of the ledger: a subset that somebody trained on, which anybody can select again."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class LedgerRow(BaseModel):
    """results/NAME.yaml."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=r"^[\w-]+$", description="of the file")]
    subset: Annotated[dict[str, Any], Field(description="the block of params.yaml")]
    overlap: Literal["keep", "drop"]
    inputs: Annotated[dict[str, str], Field(min_length=1, description="MD5 of each table that the subset is chosen by")]
    rows: Annotated[int, Field(ge=1)]
    ids: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the sorted ids, one a line")]
    lock: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the run's dvc.lock, read as data")]
    provenance: Annotated[str, Field(pattern="^[0-9a-f]{12}$", description="equal for cells that may be compared")]
    figures: Annotated[dict[str, int | float | None], Field(description="what the cell measured")]
