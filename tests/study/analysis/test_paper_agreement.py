"""The sentences on the paper: claims, signs, orders and correlations, against rows whose numbers are known."""

from typing import Any, cast

import pytest

from m2m.schemas.study_rows import ClaimRow, MetricRow, PaperRow
from m2m.study.analysis.paper_agreement import (
    describe_cells_without,
    describe_claims,
    describe_correlations,
    describe_slope_agreement,
)
from tests.study.study_rows import PLACE


def claim(state: str, **changes: Any) -> ClaimRow:
    row = PLACE | {"claim": "correlates", "words": "micro is best", "state": state, "rivals": 5, "rivals_untold": 0}
    return cast(ClaimRow, row | {"p_supported": 0.0123, "p_contradicted": 0.0456, "contrasts": []} | changes)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("supported", "Supported (5 other strategies, one-sided p 0.012)."),
        ("contradicted", "Contradicted (5 other strategies, one-sided p 0.046)."),
        ("cannot tell", "Neither supported nor contradicted (5 other strategies, one-sided p 0.012)."),
    ],
)
def test_a_claim_has_its_state_and_that_states_p(state: str, words: str) -> None:
    assert describe_claims([claim(state)]) == [f"The paper: micro is best. {words}"]


def test_a_claim_without_a_rival_is_left_out_and_an_impossible_one_has_its_reason() -> None:
    impossible = PLACE | {"claim": "correlates", "words": "micro is best", "reason": "too few seeds"}
    assert describe_claims([claim("cannot tell", rivals=0), cast(ClaimRow, impossible)]) == [
        "The paper: micro is best. Not tested: too few seeds."
    ]


def test_the_rivals_are_named_where_not_all_were_compared() -> None:
    contrasts = [{"against": "response-macro", "value": 0.1}, {"against": "response-meso", "reason": "too few"}]
    [text] = describe_claims([claim("supported", rivals=1, rivals_untold=1, contrasts=contrasts)])
    assert text.endswith("Supported (compared with response-macro, 1 not comparable, one-sided p 0.012).")


def test_the_rivals_of_a_metric_are_metrics() -> None:
    [text] = describe_claims([claim("supported", claim="estimator", rivals=11, all_points="supported", rests_on=[])])
    assert text.endswith("Supported (11 other metrics, one-sided p 0.012).")


@pytest.mark.parametrize(
    ("points", "words"), [(["k-center"], "without k-center."), (["a", "b"], "without any of 2 single strategies.")]
)
def test_a_claim_that_rests_on_single_points_names_them(points: list[str], words: str) -> None:
    row = claim("cannot tell", claim="estimator", all_points="contradicted", points=9, rests_on=points)
    [text] = describe_claims([row])
    assert "one-sided p 0.046). All 9 points together say contradicted, but not " in text and text.endswith(words)


def paper(size: str, **changes: Any) -> PaperRow:
    row = PLACE | {"paper": size, "strategies": 6, "same_sign": 5, "sure_of_sign": 3, "same_sign_of_sure": 2}
    return cast(PaperRow, row | {"tau": -0.2, "tau_p": 0.719} | changes)


def test_published_sizes_that_agree_alike_share_a_sentence() -> None:
    rows = [paper("10K"), paper("20K", tau=None, tau_p=None, sure_of_sign=0, same_sign_of_sure=0), paper("30K")]
    assert describe_slope_agreement(rows) == [
        "Beside the paper's 10K and 30K: the same sign in 5 of 6 slopes, and in 2 of 3 significant ones. "
        "Rank order: τ −0.20 (p 0.72).",
        "Beside the paper's 20K: the same sign in 5 of 6 slopes, none of them significant.",
    ]


def metric(name: str, r: float, published: float | None) -> MetricRow:
    row: dict[str, Any] = PLACE | {"metric": name, "pearson_r": r, "paper": published, "points": 9}
    row |= {"without_low": r - 0.5, "without_high": r}
    return cast(MetricRow, row)


def test_correlations_stand_beside_the_papers_with_their_signs_and_order() -> None:
    rows = [metric("self_bleu", -0.28, 0.42), metric("vendi", 0.9, None), metric("entropy", 0.7, 0.58)]
    assert describe_correlations(rows) == [
        "Correlations with the outcome (the paper's): self bleu −0.28 (+0.42) and entropy +0.70 (+0.58). "
        "1 of 2 have the paper's sign, in the same rank order. 0 of 2 change sign when one strategy is left out."
    ]
    swapped = describe_correlations([metric("a", 0.1, 0.5), metric("b", 0.2, 0.4)])
    assert swapped[0].endswith(
        "2 of 2 have the paper's sign, in another rank order. 2 of 2 change sign when one strategy is left out."
    )
    assert describe_correlations(rows[1:2]) == []


def test_a_change_of_sign_is_counted_over_the_metrics_where_it_was_computed() -> None:
    """With one strategy alone, none can be left out."""
    rows = [metric("a", 0.1, 0.5), metric("b", 0.9, 0.4), metric("c", 0.8, 0.3)]
    del rows[2]["without_low"], rows[2]["without_high"]
    assert describe_correlations(rows)[0].endswith("1 of 2 change sign when one strategy is left out.")
    assert describe_correlations(rows[2:])[0].endswith("1 of 1 have the paper's sign, in the same rank order.")


def test_a_metric_that_not_all_cells_have_is_told_with_their_number() -> None:
    row = metric("response_g_vendi", 0.3, None) | {"cells_without": 12}
    assert describe_cells_without([metric("self_bleu", 0.1, 0.5), row]) == [
        "Not all cells have every metric: 12 have no response_g_vendi. They are in no such correlation."
    ]
    assert describe_cells_without([metric("self_bleu", 0.1, 0.5)]) == []
