"""The grid: what each finished cell was asked for, and what came of it."""

import polars as pl
import polars.selectors as cs

from m2m.runtime.pandera_alone import pa
from m2m.strategies import PREFILTERS


class Grid(pa.DataFrameModel):
    """Sorted by experiment. Further columns are allowed when they hold numbers: other metrics of metrics/cell.json.

    A cell stands here once, whoever ran it how often: a second copy would pass for a replicate.
    """

    experiment: str = pa.Field(unique=True, str_length={"min_value": 1}, description="its name in dvc exp show")
    revision: str = pa.Field(str_matches="^[0-9a-f]{7,40}$", description="the experiment's commit")
    provenance: str = pa.Field(
        str_length={"min_value": 1}, description="hash of the code, data and other settings that comparable cells share"
    )
    strategy_name: str = pa.Field(alias="strategy", str_length={"min_value": 1})  # pandera has a method `strategy`
    match: str = pa.Field(str_length={"min_value": 1}, description="whose lengths: but for length-matched its own")
    degree: pl.Int64 = pa.Field(ge=0, le=6, description="of length-matched: of the subset that it is matched to")
    size: pl.Int64 = pa.Field(ge=1, description="rows, or tokens under a token budget")
    seed: pl.Int64
    slack: float = pa.Field(ge=1)
    weights: str = pa.Field(isin=["uniform", "inverse"])
    budget: str = pa.Field(isin=["rows", "tokens"])
    min_tokens: pl.Int64 = pa.Field(ge=0, description="the length window, response tokens")
    max_tokens: pl.Int64 = pa.Field(ge=0)
    lengths: str = pa.Field(
        isin=["free", "as-random"], default="free", description="as-random: random's response lengths at every degree"
    )
    peel_noise: float = pa.Field(ge=0, le=1, default=0.0, description="how much the seed decides what low degrees keep")
    prefilter: str = pa.Field(
        isin=PREFILTERS, default="random", description="by which the rows like the examples were kept; random keeps all"
    )
    prefilter_share: float = pa.Field(gt=0, le=1, default=1.0, description="of the candidates that the prefilter kept")
    fresh: pl.Int64 = pa.Field(
        isin=[0, 1], default=0, description="1: a cell of a staged grid's last rung, which had no part in the choice"
    )
    bpb_reduction: float = pa.Field(nullable=True, description="bits a byte saved over the opponent, higher is better")
    likelihood_win_rate: float = pa.Field(nullable=True, ge=0, le=1)
    opponent_bits_per_byte: float = pa.Field(nullable=True, ge=0, description="equal where the opponent is the same")
    mean_response_tokens: float = pa.Field(ge=0)
    trained_tokens: pl.Int64 = pa.Field(ge=0)
    opponent_mean_response_tokens: float = pa.Field(ge=0)
    opponent_trained_tokens: pl.Int64 = pa.Field(ge=0)
    k: pl.Int64 = pa.Field(ge=1, description="units that were sampled over")
    candidate_rows: pl.Int64 = pa.Field(ge=1)
    rows: pl.Int64 = pa.Field(ge=1)
    units_covered: pl.Int64 = pa.Field(ge=0)
    k_evenness: float = pa.Field(ge=0, le=1)
    instruction_ngram_ratio: float = pa.Field(ge=0, le=1)
    instruction_embedding_distance: float = pa.Field(ge=0, le=2)
    instruction_mean_tokens: float = pa.Field(ge=0)
    instruction_compression_ratio: float = pa.Field(ge=0)
    instruction_self_bleu: float = pa.Field(ge=0, le=1)
    instruction_token_entropy: float = pa.Field(ge=0, description="bits")
    instruction_vendi: float = pa.Field(ge=1)
    response_ngram_ratio: float = pa.Field(ge=0, le=1)
    response_embedding_distance: float = pa.Field(ge=0, le=2)
    response_mean_tokens: float = pa.Field(ge=0)
    response_compression_ratio: float = pa.Field(ge=0)
    response_self_bleu: float = pa.Field(ge=0, le=1)
    response_token_entropy: float = pa.Field(ge=0, description="bits")
    response_vendi: float = pa.Field(ge=1)

    class Config:
        unique = [
            "provenance",
            "strategy",
            "match",
            "degree",
            "size",
            "seed",
            "slack",
            "weights",
            "budget",
            "min_tokens",
            "max_tokens",
            "lengths",
            "peel_noise",
            "prefilter",
            "prefilter_share",
        ]
        add_missing_columns = True  # older tables are free, had no rungs, no noise and no prefilter

    @pa.dataframe_check
    @classmethod
    def further_columns_are_numbers(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Words stand in the nine columns that are words above; a column without any value may be of any type."""
        words = (
            "experiment",
            "revision",
            "provenance",
            "strategy",
            "match",
            "weights",
            "budget",
            "lengths",
            "prefilter",
        )
        further = data.lazyframe.select(~cs.numeric() & ~cs.by_name(*words, require_all=False))
        return further.select(pl.all_horizontal(pl.lit(True), pl.all().is_null().all()))
