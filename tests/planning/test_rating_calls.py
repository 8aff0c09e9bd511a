"""What rating a pool costs: known answers on round numbers."""

from typing import Any

import pytest

from m2m.planning.cost_model import DataSize, LlmCalls
from m2m.planning.rating_calls import estimate_rating_calls

DATA = DataSize(1000, 100, 400, {}, frozenset())


def make_settings(quality: str | None, engine: str = "endpoint", reply_tokens: int = 16) -> dict[str, Any]:
    return {"subset": {"quality": quality}, "rate": {"engine": engine, "reply_tokens": reply_tokens}}


@pytest.mark.parametrize(
    ("quality", "calls"),
    [
        ("llm_complexity", LlmCalls(1000, 1000 * (190 + 100), 2000)),
        ("llm_quality*mine", LlmCalls(1000, 1000 * (190 + 500), 2000)),
        ("llm_complexity*llm_quality", LlmCalls(2000, 1000 * (190 + 100 + 190 + 500), 4000)),
    ],
)
def test_a_score_is_one_call_a_row_and_quality_reads_the_response_too(quality: str, calls: LlmCalls) -> None:
    assert estimate_rating_calls(make_settings(quality), DATA) == {"rate": calls}


def test_where_no_llm_rates_nothing_is_counted() -> None:
    assert estimate_rating_calls(make_settings("mine"), DATA) == {}
    assert estimate_rating_calls(make_settings(None), DATA) == {}
    assert estimate_rating_calls(make_settings("llm_quality", "none"), DATA) == {}


def test_a_reply_is_no_longer_than_its_limit() -> None:
    assert estimate_rating_calls(make_settings("llm_quality", reply_tokens=1), DATA)["rate"].reply_tokens == 1000
