"""The metrics of a cell: those that are compared (metrics/cell.json), and all others (metrics/cell_details.json)."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from m2m.schemas.subset_summary import SubsetSettings

_Count = Annotated[int, Field(ge=0)]
_Amount = Annotated[float, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]

MADE_WITH = tuple(SubsetSettings.model_fields)


class CellMetrics(SubsetSettings):
    """In the order in which a person reads them; what the cell could not measure is left out.

    The settings of its subset, MADE_WITH, come first: params.yaml may have changed since.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    bpb_reduction: (
        Annotated[float, Field(description="bits a byte saved over the opponent, higher is better")] | None
    ) = None
    likelihood_win_rate: Annotated[_Share, Field(description="references likelier than by the opponent")] | None = None
    similarity_win_rate: Annotated[_Share, Field(description="answers nearer to the reference")] | None = None
    alpaca_eval_win_rate: Annotated[_Share, Field(description="AlpacaEval's judge, against the opponent")] | None = None
    alpaca_eval_lc_win_rate: Annotated[_Share, Field(description="its length-controlled form")] | None = None
    alpaca_eval_lc_minimal_win_rate: (
        Annotated[_Share, Field(description="the same from this cell's answers alone")] | None
    ) = None
    arena_hard_win_rate: Annotated[_Share, Field(description="Arena-Hard's judge, against the opponent")] | None = None
    mean_response_tokens: Annotated[_Amount, Field(description="of the subset, without the end token")]
    trained_tokens: Annotated[_Count, Field(description="response tokens, end tokens included, of all epochs")]
    rows: Annotated[int, Field(ge=1)]
    k: Annotated[int, Field(ge=1, description="units that were sampled over")]
    units_covered: _Count
    k_evenness: _Share
    candidate_rows: Annotated[int, Field(ge=1, description="rows of the candidate pool")]
    response_ngram_ratio: _Share
    response_self_bleu: _Share
    response_token_entropy: Annotated[_Amount, Field(description="bits")]
    response_vendi: Annotated[float, Field(ge=1)]
    response_embedding_distance: Annotated[float, Field(ge=0, le=2)]
    response_compression_ratio: _Amount
    instruction_ngram_ratio: _Share
    instruction_self_bleu: _Share
    instruction_token_entropy: Annotated[_Amount, Field(description="bits")]
    instruction_vendi: Annotated[float, Field(ge=1)]
    instruction_embedding_distance: Annotated[float, Field(ge=0, le=2)]
    instruction_compression_ratio: _Amount
    candidate_bits_per_byte: Annotated[_Amount, Field(description="of the references")] | None = None
    opponent_bits_per_byte: _Amount | None = None
    opponent_mean_response_tokens: _Amount
    opponent_trained_tokens: _Count


class CellDetails(BaseModel):
    """Every other metric of a cell, by name: numbers alone; shares of units, and win rates, are in 0 … 1."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, int | float]

    @model_validator(mode="after")
    def shares_are_shares(self) -> Self:
        """Coverage, evenness and win rates with their intervals; counts, such as those `missing`, are none."""
        for name, value in self.__pydantic_extra__.items():
            share = name.endswith(("_coverage", "_evenness")) or ("win_rate" in name and not name.endswith("_missing"))
            if share and not 0 <= value <= 1:
                raise ValueError(f"{name} must be a share in 0..1, got {value}")
        return self

    @model_validator(mode="after")
    def names_are_those_of_no_compared_metric(self) -> Self:
        """A metric stands in one of the two files."""
        if twice := sorted(set(self.__pydantic_extra__) & set(CellMetrics.model_fields)):
            raise ValueError(f"{twice[0]} belongs to the metrics that are compared")
        return self
