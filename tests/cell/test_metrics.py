import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.cell.metrics import (
    count_overlaps,
    measure_coverage,
    measure_diversity,
    measure_worth,
    split_metrics,
    summarize_selection,
)
from m2m.schemas.cell import MADE_WITH, CellMetrics


def answers(bits: Any) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": ["a", "b", "c"], "bits": bits, "bytes": [10, 10, 10]}, schema_overrides={"bits": pl.Float64}
    )


SAID = {"base": answers([30, 30, 30]), "opponent": answers([20, 20, 20]), "candidate": answers([10, 20, 12])}


def prompts(benchmarks: Any) -> pl.DataFrame:
    return pl.DataFrame({"id": ["a", "b", "c"], "benchmark": benchmarks, "reference": ["x", "xx", "xxx"]})


def verdicts() -> pl.DataFrame:
    raw = [json.dumps({"candidate": cost, "opponent": 2.0, "better": "lower"}) for cost in (1.0, 2.0, 1.2)]
    return pl.DataFrame({"id": ["a", "b", "c"], "opponent": "opponent", "engine": "likelihood", "order": 0, "raw": raw})


def test_a_cell_is_worth_the_bits_that_it_saves() -> None:
    record = measure_worth(prompts(["x"] * 3), verdicts(), SAID, 1, 100)
    assert record["bpb_reduction"] == 0.6
    assert record["likelihood_win_rate"] == 2.5 / 3
    assert record["untuned_bits_per_byte"] == 3.0
    assert record["likelihood_win_rate_missing"] == 0
    assert record["likelihood_win_rate_short"] == 1.0


def test_several_benchmarks_have_a_figure_each_where_an_interval_is_possible() -> None:
    record = measure_worth(prompts(["x", "x", "y"]), verdicts(), SAID, 1, 100)
    assert record["bpb_reduction_x"] == 0.5
    assert record["likelihood_win_rate_x"] == 0.75
    assert not [name for name in record if name.endswith("_y")]  # one prompt has no interval


def test_without_references_there_is_no_performance() -> None:
    silent = dict.fromkeys(SAID, answers([None, None, None]))
    record = measure_worth(prompts(["x"] * 3), verdicts(), silent, 1, 100)
    assert not [name for name in record if "bits" in name or name.startswith("bpb_reduction")]


SETTINGS = {"strategy": "response-micro", "match": "random", "degree": 6, "seed": 1, "size": 9, "budget": "rows"}
SETTINGS |= {"min_tokens": 1, "max_tokens": 99}


def test_the_metrics_begin_with_the_settings_of_the_subset_that_they_are_of() -> None:
    names = ("k_min", "k_max", "rows_without_unit", "mean_response_tokens")
    summaries = {arm: dict.fromkeys([*CellMetrics.model_fields, *names], 1) | SETTINGS for arm in ("candidate",)}
    summaries["opponent"] = summaries["candidate"] | {"strategy": "random", "degree": 0, "seed": 1000}
    training = {"trained_tokens": 5, "lost_tokens": 0}
    record = summarize_selection(summaries, dict.fromkeys(summaries, training)) | {"bpb_reduction": 0.1}
    compared, others = split_metrics(record)
    assert dict(list(compared.items())[: len(SETTINGS)]) == SETTINGS
    assert set(SETTINGS) == set(MADE_WITH) and not set(MADE_WITH) & set(others)


def test_each_name_is_used_once() -> None:
    summary = dict.fromkeys(
        [
            "k",
            "k_min",
            "k_max",
            "candidate_rows",
            "rows",
            "rows_without_unit",
            "units_covered",
            "k_evenness",
            "mean_response_tokens",
        ],
        1,
    )
    summary |= SETTINGS  # type: ignore[arg-type]
    training = {"trained_tokens": 5, "lost_tokens": 0}
    record = summarize_selection(
        {"candidate": summary, "opponent": summary}, {"candidate": training, "opponent": training}
    )
    assert record["trained_tokens"] == record["opponent_trained_tokens"] == 5
    assert not set(record) & set(measure_worth(prompts(["x"] * 3), verdicts(), SAID, 1, 10))


def test_diversity_is_of_the_chosen_rows_alone_on_both_sides() -> None:
    chosen = pl.DataFrame({"id": ["b", "a"], "instruction": ["go on", "stop"], "response": ["one two", "three"]})
    tokens = pl.DataFrame(
        {"id": ["a", "b", "z"], "tokens": [[1], [2, 3], [9] * 99]}, schema_overrides={"tokens": pl.List(pl.Int32)}
    )
    unit = [np.eye(3, dtype=np.float32)[at].tolist() for at in range(3)]
    vectors = pl.DataFrame({"id": ["a", "b", "z"], "vector": unit}, schema_overrides={"vector": pl.List(pl.Float32)})
    sides = ("instruction", "response")
    record = measure_diversity(chosen, dict.fromkeys(sides, tokens), dict.fromkeys(sides, vectors))
    assert record["response_mean_tokens"] == 1.5
    assert record["instruction_embedding_distance"] == 1.0
    assert len(record) == 2 * 9  # no text is long enough for n-grams of three and four


def test_coverage_is_of_every_strategy_that_has_units_under_a_name_of_its_own() -> None:
    bands = pl.DataFrame({"token": ["x", "y", "z", "v"], "band": ["high", "mid", "mid", "mid"]})
    units = pl.DataFrame({"id": ["a", "b", "a", "z"], "unit": ["u", "u", "v", "w"]})
    record = measure_coverage(
        pl.Series(["a", "b"]),
        {"response-micro": units, "response-meso": units.clear()},
        {"response": ["x", "y", "z"]},
        {"response": bands},
    )
    assert record == {
        "response_mid_types": 2,  # x is too frequent in the pool, no row has v
        "response_micro_coverage": 2 / 3,
        "response_micro_evenness": pytest.approx(0.9182958),
    }


def test_the_order_of_the_chosen_rows_changes_no_metric() -> None:
    texts = ["abc " * 9, "xyz " * 9, "abc xyz " * 9, "q"]
    chosen = pl.DataFrame({"id": list("abcd"), "instruction": texts, "response": texts})
    tokens = pl.DataFrame({"id": list("abcd"), "tokens": [[1], [2, 3], [1, 2], [4]]})
    unit = np.eye(4, dtype=np.float32).tolist()
    vectors = pl.DataFrame({"id": list("abcd"), "vector": unit}, schema_overrides={"vector": pl.List(pl.Float32)})
    sides = ("instruction", "response")
    one, other = (
        measure_diversity(rows, dict.fromkeys(sides, tokens), dict.fromkeys(sides, vectors))
        for rows in (chosen, chosen[[2, 0, 3, 1]])
    )
    assert one == other


def test_metrics_that_are_compared_come_in_reading_order_and_all_others_by_name() -> None:
    record = {"k_max": 9, "k": 3, "a_detail": 1, "rows": 5, "bpb_reduction": 0.1}
    compared, remaining = split_metrics(record)
    assert list(compared.items()) == [("bpb_reduction", 0.1), ("rows", 5), ("k", 3)]
    assert list(remaining.items()) == [("a_detail", 1), ("k_max", 9)]


def test_overlaps_with_prompts_are_counted_by_row_in_the_subset_and_in_the_pool() -> None:
    overlaps = pl.DataFrame({"id": ["a", "a", "b", "z"], "prompt": ["p", "q", "p", "p"]})
    counts = count_overlaps(pl.Series(["a", "c"]), overlaps)
    assert counts == {"overlapping_rows": 1, "overlapping_pool_rows": 3}
    assert count_overlaps(pl.Series(["a"]), overlaps.clear()) == {"overlapping_rows": 0, "overlapping_pool_rows": 0}
