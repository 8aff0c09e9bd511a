"""What a subset was asked for, and what came of it, in numbers: data/subsets/*.json."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Count = Annotated[int, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]


class SubsetSettings(BaseModel):
    """The settings by which subsets, and the cells that are trained on them, are compared."""

    strategy: Annotated[str, Field(min_length=1, description="that chose the rows")]
    match: Annotated[str, Field(min_length=1)]
    degree: Annotated[int, Field(ge=0, le=6)]
    seed: int
    size: Annotated[int, Field(ge=1, description="rows, or tokens under a token budget")]
    budget: Literal["rows", "tokens"]
    min_tokens: _Count
    max_tokens: _Count


class SubsetSummary(SubsetSettings):
    """The settings of the subset first; counts are of rows unless the name says otherwise.

    The fields about overlap, quality and prefilter are there where a setting asks for them.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    lengths: Annotated[
        Literal["free", "as-random"], Field(description="as-random: pruned and sampled inside strata of length")
    ] = "free"
    pool_rows: Annotated[int, Field(ge=1, description="rows inside the length window, without those left out")]
    overlap: Literal["drop"] | None = None
    overlapping_rows_dropped: (
        Annotated[int, Field(ge=0, description="rows that share text with a prompt: no candidates")] | None
    ) = None
    quality: Annotated[str, Field(description="the number field that rows were chosen by first")] | None = None
    quality_share: Annotated[float, Field(gt=0, le=1)] | None = None
    rows_without_quality: Annotated[int, Field(ge=0, description="rows without such a number")] | None = None
    rows_below_quality: Annotated[int, Field(ge=0, description="rows below the best share")] | None = None
    prefilter: Annotated[str, Field(description="by which rows like the examples were kept first")] | None = None
    prefilter_share: Annotated[float, Field(gt=0, le=1)] | None = None
    rows_unlike_examples: Annotated[int, Field(ge=0, description="rows that it left out")] | None = None
    rows_without_match: (
        Annotated[int, Field(ge=0, description="rows that it kept though they score 0 with every example")] | None
    ) = None
    rows_without_unit: Annotated[int, Field(ge=0, description="of pool_rows: no degree chooses them")]
    candidate_rows: Annotated[int, Field(ge=1)]
    k: Annotated[int, Field(ge=1, description="units that were sampled over")]
    k_min: Annotated[int, Field(ge=1)]
    k_max: Annotated[int, Field(ge=1)]
    k_by_degree: Annotated[list[int], Field(min_length=7, max_length=7)]
    collapsed_degrees: Annotated[list[list[int]], Field(description="groups of degrees that are one subset")]
    rows: Annotated[int, Field(ge=1)]
    response_tokens: _Count
    mean_response_tokens: Annotated[float, Field(ge=0)]
    mean_response_characters: Annotated[float, Field(ge=0)]
    units_covered: _Count
    k_evenness: _Share
    seed_overlap: Annotated[_Share, Field(description="share of the rows that the next seed has too")] | None = None
