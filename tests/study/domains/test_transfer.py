"""Planted domains: where the gains are the same the others predict them, where they are reversed they mislead."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.planted_bake_off import plant_bake_off
from m2m.study.domains.transfer import DomainRow, leave_out_domains
from m2m.study.domains.words import DOMAIN_HEADER, list_domain_rows, write_domains_answer

NAMES = ("longest", "k-center", "instag", "mig", "gist")
GAINS = dict(zip(NAMES, (0.1, 0.05, 0.0, -0.05, -0.1), strict=True))
OUTCOME = "bpb_reduction"


def plant_domains() -> tuple[pl.DataFrame, pl.DataFrame, dict[str, str]]:
    """Sixty prompts: two domains of 25 with the same gains, and one of 10 where all gains are reversed."""
    grid, scores = plant_bake_off(GAINS, np.random.default_rng(5), prompt_sd=0.002)
    grid = grid.filter(pl.col("budget") == "rows")
    domains = {f"p{i:03d}": "a" if i < 25 else "b" if i < 50 else "c" for i in range(60)}
    gains = pl.DataFrame(
        {"experiment": grid["experiment"], "gain": [GAINS.get(name, 0.0) for name in grid["strategy"]]}
    )
    turned = scores.join(gains, on="experiment").with_columns(
        score=pl.col("score") - pl.when(pl.col("id") >= "p050").then(2 * pl.col("gain")).otherwise(0.0)
    )
    return grid, turned.drop("gain"), domains


@pytest.fixture(scope="module")
def rows() -> list[DomainRow]:
    return leave_out_domains(*plant_domains(), OUTCOME, 1, 300)


def test_what_holds_elsewhere_holds_where_it_was_planted_so(rows: list[DomainRow]) -> None:
    assert [(row["domain"], row["prompts"], row["configurations"]) for row in rows] == [
        ("a", 25, 5),
        ("b", 25, 5),
        ("c", 10, 5),
    ]
    for row in rows:
        assert (row["best"], row["worst"]) == ("longest", "gist")
    for row in rows[:2]:
        assert row["rank_correlation"] == 1
        assert row["best_low"] < row["best_gain"] < row["best_high"]
        assert (row["best_gain"], row["worst_gain"]) == pytest.approx((0.1, -0.1), abs=0.01)
    assert rows[2]["rank_correlation"] == -1
    assert (rows[2]["best_gain"], rows[2]["worst_gain"]) == pytest.approx((-0.1, 0.1), abs=0.01)


def test_the_planted_domains_are_answered(rows: list[DomainRow]) -> None:
    assert write_domains_answer(rows) == [
        "What is worst on the other domains is worse than random on 2 of 3.",
        "What is best on the other domains is better than random on 2 of 3, and worse on 1.",
        "The order of configurations on the other domains predicts the order on 2 of 3 (Spearman −1.00 to 1.00).",
        "Each count is by 95 % intervals that hold for one domain alone, not for all together.",
    ]


def test_a_domain_of_few_prompts_has_a_reason_and_strays_are_refused() -> None:
    grid, scores, domains = plant_domains()
    small = {name: "d" if name == "p000" else domain for name, domain in domains.items()}
    [*_, last] = leave_out_domains(grid, scores, small, OUTCOME, 1, 300)
    assert (last["domain"], last["reason"]) == ("d", "a domain needs 10 prompts, got 1")
    assert write_domains_answer([last]) == [
        "No domain can be compared with the others; the table has the reasons.",
    ]
    with pytest.raises(ValueError, match="every prompt must have a domain, 59 have none, the first is p001"):
        leave_out_domains(grid, scores, {"p000": "a"}, OUTCOME, 1, 300)
    with pytest.raises(ValueError, match="a comparison of domains needs two, got 1"):
        leave_out_domains(grid, scores, dict.fromkeys(domains, "a"), OUTCOME, 1, 300)


def test_a_row_of_the_table_has_the_record_s_numbers() -> None:
    row: Any = {"domain": "code", "prompts": 71, "configurations": 8}
    row |= {"rank_correlation": -0.38, "rank_low": -0.86, "rank_high": 0.47}
    row |= {"best": "longest", "best_gain": 0.021, "best_low": 0.016, "best_high": 0.026}
    row |= {"worst": "gist", "worst_gain": -0.099, "worst_low": -0.112, "worst_high": -0.086}
    few: Any = {"domain": "lima", "prompts": 1, "reason": "a domain needs 10 prompts, got 1"}
    assert list_domain_rows([few, row]) == [
        (
            "code",
            "71",
            "−0.38 (−0.86 to 0.47)",
            "longest: +0.021 (0.016 to 0.026)",
            "gist: −0.099 (−0.112 to −0.086)",
        ),
        ("lima", "1", "a domain needs 10 prompts, got 1", "–", "–"),
    ]
    assert len(DOMAIN_HEADER) == 5


def test_only_what_its_interval_settles_is_counted() -> None:
    """One domain is settled in all three; the other has the same signs, but intervals that hold 0."""
    settled: Any = {"domain": "a", "prompts": 30, "rank_correlation": 0.9, "rank_low": 0.2}
    settled |= {"best_gain": 0.02, "best_low": 0.01, "best_high": 0.03, "worst_gain": -0.1, "worst_high": -0.05}
    open_: Any = {"domain": "b", "prompts": 30, "rank_correlation": 0.8, "rank_low": -0.1}
    open_ |= {"best_gain": 0.02, "best_low": -0.01, "best_high": 0.05, "worst_gain": -0.1, "worst_high": 0.05}
    assert write_domains_answer([settled, open_]) == [
        "What is worst on the other domains is worse than random on 1 of 2.",
        "What is best on the other domains is better than random on 1 of 2, and worse on 0.",
        "The order of configurations on the other domains predicts the order on 1 of 2 (Spearman 0.80 to 0.90).",
        "Each count is by 95 % intervals that hold for one domain alone, not for all together.",
    ]
