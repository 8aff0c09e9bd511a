"""Facts: counted from tables, or assumed from the limits, or one sentence that says what is not known."""

from typing import Any

import polars as pl
import pytest

from m2m.planning.cost_inputs import count_data, estimate_data_size

ALPACA = {"kind": "hub", "path": "alpaca_eval_gpt4_baseline.json"}


def settings(sources: Any, benchmarks: Any, share: Any = 0.2) -> Any:
    return {"ingest": {"heldout_share": share, "sources": sources}, "benchmark": {"sources": benchmarks}}


def test_tables_are_counted() -> None:
    tokens = {
        "instruction": pl.DataFrame({"tokens": [[1], [1, 2]]}),
        "response": pl.DataFrame({"tokens": [[], [1, 2, 3, 4]]}),
    }
    prompts = pl.DataFrame({"benchmark": ["b", "a", "b"], "baseline_answer": ["x", None, None]})
    found = count_data(tokens, prompts)
    assert found == (2, 1.5, 2.0, {"a": 1, "b": 2}, frozenset({"b"}))


def test_limits_say_how_many_rows_and_prompts_there_will_be() -> None:
    sources = {"one": {"kind": "hub", "limit": 600}, "two": {"kind": "hub", "limit": 400}}
    benchmarks = {"alpaca_eval": ALPACA, "few": ALPACA | {"limit": 5}, "own": {"kind": "heldout", "limit": None}}
    found = estimate_data_size(settings(sources, benchmarks), None, 100, 500)
    assert found == (800, 100, 500, {"alpaca_eval": 805, "few": 5, "own": 200}, frozenset({"alpaca_eval", "few"}))


def test_a_pool_without_a_limit_has_to_be_said() -> None:
    sources = {"one": {"kind": "files", "limit": None}}
    with pytest.raises(ValueError, match=r"Source one has no limit.*Give --rows"):
        estimate_data_size(settings(sources, {}), None, 100, 500)
    assert estimate_data_size(settings(sources, {"own": {"kind": "heldout"}}), 800, 100, 500).prompts == {"own": 200}


def test_a_benchmark_of_unknown_size_has_to_be_read() -> None:
    with pytest.raises(ValueError, match="Benchmark mine has no limit"):
        estimate_data_size(settings({}, {"mine": {"kind": "files", "path": "mine.jsonl"}}), 800, 100, 500)
