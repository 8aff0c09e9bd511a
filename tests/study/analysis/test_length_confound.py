"""What is left of a slope at equal length: within a strategy, and with the help of the others."""

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.analysis.length_confound import regress_on_length
from m2m.study.cells.cells import STRATEGIES, select_comparable


def verdicts(model: str, **planted: object) -> dict[str, str]:
    rows = regress_on_length(select_comparable(planted_grid(**planted)), "bpb_reduction")
    return {row["strategy"]: row.get("verdict", row.get("reason")) for row in rows if row["model"] == model}


def test_there_are_three_models_a_strategy() -> None:
    rows = regress_on_length(select_comparable(planted_grid({"response-micro": 0.0})), "bpb_reduction")
    assert [row["model"] for row in rows] == ["own", "own and tokens", "shared"]


def test_where_length_goes_with_degree_a_strategy_alone_cannot_tell() -> None:
    found = verdicts("own", length_slope=100, length_effect=0.001)
    assert set(found.values()) == {"cannot be separated from length"}


def test_shared_length_is_told_from_diversity_by_strategies_whose_length_stands_still() -> None:
    slopes = dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.2}
    assert verdicts("shared", slopes=slopes)["response-micro"] == "survives length"


def test_the_shared_slope_of_a_strategy_is_its_own_when_length_does_nothing() -> None:
    slopes = dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.2}
    rows = regress_on_length(select_comparable(planted_grid(slopes, noise=0.001)), "bpb_reduction")
    [row] = [row for row in rows if row["model"] == "shared" and row["strategy"] == "response-micro"]
    assert row["diversity_value"] == pytest.approx(0.2, abs=0.01)
    assert row["diversity_inflation"] < 2 and row["cells"] == 56


@pytest.mark.parametrize("degrees", [(3,), (0, 6)])
def test_too_few_cells_give_a_reason(degrees: tuple[int, ...]) -> None:
    found = verdicts("own", slopes={"response-micro": 0.0}, degrees=degrees, seeds=1)
    assert "at least" in found["response-micro"]


@pytest.mark.parametrize("rounded", [1, 3])
def test_trained_tokens_that_are_length_again_are_said_to_be(rounded: int) -> None:
    grid = planted_grid({"response-micro": 0.2}, length_slope=100)
    grid = grid.with_columns(
        pl.col("mean_response_tokens").round(rounded), trained_tokens=(pl.col("mean_response_tokens") * 500).round()
    )
    [row] = [
        row for row in regress_on_length(select_comparable(grid), "bpb_reduction") if row["model"] == "own and tokens"
    ]
    assert "trained tokens are length again" in row["reason"]


def test_trained_tokens_of_their_own_are_a_third_cause() -> None:
    grid = planted_grid({"response-micro": 0.2})
    tokens = pl.Series(np.random.default_rng(1).integers(40_000, 60_000, grid.height))
    [_, row, _] = regress_on_length(select_comparable(grid.with_columns(trained_tokens=tokens)), "bpb_reduction")
    assert row["verdict"] == "survives length" and row["trained_tokens_inflation"] < 10


def test_what_rivals_gain_by_diversity_is_not_taken_for_lengths_doing() -> None:
    slopes = dict.fromkeys(STRATEGIES, 0.2) | {"response-micro": 0.0}
    rows = regress_on_length(select_comparable(planted_grid(slopes, noise=0.001, length_slope=20)), "bpb_reduction")
    [row] = [row for row in rows if row["model"] == "shared" and row["strategy"] == "response-micro"]
    assert row["diversity_value"] == pytest.approx(0, abs=0.01)


def test_holms_p_looks_at_all_strategies_of_one_model() -> None:
    slopes = dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.02}
    rows = regress_on_length(select_comparable(planted_grid(slopes)), "bpb_reduction")
    for model in ("own", "shared"):
        some = [row for row in rows if row["model"] == model]
        lowest = min(some, key=lambda row: row["diversity_p"])
        assert lowest["diversity_p_holm"] == pytest.approx(min(1, 6 * lowest["diversity_p"]))
