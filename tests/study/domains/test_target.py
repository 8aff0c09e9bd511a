"""A planted target: targeting is worth 0.05 there and costs 0.02 elsewhere; diversity adds 0.02 there."""

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.bake_off.comparison import choose_baseline
from m2m.study.domains.target import TargetRecord, compare_on_target
from m2m.study.domains.target_words import list_target_rows, write_target_answer

TARGET = "docstrings/scipy"
NEAR = {"prefilter": "bm25", "prefilter_share": 0.2}


def plant_target(targeting: float = 0.05, diversity: float = 0.02) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Five seeds of random, response-micro 0 and 6 and bm25, and of the first two among the nearest rows."""
    dialled = {"seeds": 5, "degrees": (0, 6), "noise": 0.001}
    parts = [
        planted_grid({"response-micro": 0.0, "bm25": 0.0}, random=5, **dialled),  # type: ignore[arg-type]
        planted_grid({"response-micro": 0.0}, random=5, seed=1, **dialled, **NEAR),  # type: ignore[arg-type]
    ]
    names = pl.format("{}-{}", "experiment", "prefilter")
    grid = pl.concat(parts).with_columns(names.alias("experiment")).sort("experiment")
    is_targeted = (pl.col("prefilter") == "bm25") | (pl.col("strategy") == "bm25")
    is_dialled = pl.col("strategy") == "response-micro"  # degree 0 loses what degree 6 gains
    rng = np.random.default_rng(0)
    gains = grid.select(
        "experiment",
        here=targeting * is_targeted + diversity * is_dialled * (pl.col("degree") / 3 - 1),
        elsewhere=-0.02 * is_targeted,
    ).to_dicts()
    rows = []
    for cell in gains:
        for prompt in range(60):
            side = "here" if prompt < 20 else "elsewhere"
            score = 100 * (cell[side] + rng.normal(0, 0.002))
            group = TARGET if side == "here" else f"docstrings/{prompt % 12}"
            rows.append((cell["experiment"], "bpb_reduction", f"p{prompt:02d}", group, score, 100.0))
    schema = ["experiment", "outcome", "id", "group", "score", "weight"]
    return grid, pl.DataFrame(rows, schema, orient="row")


@pytest.fixture(scope="module")
def record() -> TargetRecord:
    return compare_on_target(*plant_target(), TARGET, "bpb_reduction", 1, 300)


def test_gains_on_the_target_and_elsewhere_are_the_planted_ones(record: TargetRecord) -> None:
    assert (record["prompts"], record["other_prompts"]) == (20, 40)
    gains = {
        side: {
            (row["strategy"], row.get("prefilter")): row["value"]
            for row in record[side]["selectors"]
            if row["strategy"] != "response-micro" or row["degree"] == 6
        }
        for side in ("here", "elsewhere")
    }
    near, alone = ("random", "bm25"), ("response-micro", None)
    assert gains["here"] == pytest.approx(
        {near: 0.05, alone: 0.02, ("bm25", None): 0.05, ("response-micro", "bm25"): 0.07}, abs=0.003
    )
    assert gains["elsewhere"][near] == pytest.approx(-0.02, abs=0.003)
    assert gains["elsewhere"][alone] == pytest.approx(0, abs=0.003)
    assert record["here"]["random"][0]["cells"] == 5


def test_targeting_is_told_from_diversity_by_a_contrast_of_their_own(record: TargetRecord) -> None:
    [near] = record["near"]
    assert {name: near[name] for name in NEAR} == NEAR  # type: ignore[literal-required]
    [alone], [top] = near["diversity_alone"], near["diversity_on_top"]
    assert (alone["strategy"], alone["value"]) == ("response-micro", pytest.approx(-0.03, abs=0.003))
    assert (top["value"], top["prefilter"]) == (pytest.approx(0.02, abs=0.003), "bm25")


def test_the_answer_says_who_wins(record: TargetRecord) -> None:
    text = " ".join(write_target_answer(record))
    assert f"On the 20 prompts of {TARGET}, 5 of 6 selectors beat random rows, and 1 lose to them." in text
    assert "The best is response-micro at degree 6 of the 20 % nearest the examples by bm25, +0.070 bpb" in text
    assert "Response-micro at degree 6 − random of the 20 % nearest the examples by bm25: −0.030 bpb" in text
    assert "Of the 20 % nearest the examples by bm25, response-micro at degree 6 − random: +0.020 bpb" in text
    assert text.count("targeting wins.") == 1 and text.count("diversity adds.") == 1
    assert "On the 40 other prompts, 0 of 6 selectors beat random rows, and 4 lose to them." in text


@pytest.mark.parametrize(
    ("targeting", "diversity", "alone", "top"),
    [(0.0, 0.05, "diversity wins", "diversity adds"), (0.0, 0.0, "cannot tell", "cannot tell"),
     (0.0, -0.05, "targeting wins", "diversity costs")],
)  # fmt: skip
def test_the_verdict_follows_the_numbers(targeting: float, diversity: float, alone: str, top: str) -> None:
    answer = write_target_answer(
        compare_on_target(*plant_target(targeting, diversity), TARGET, "bpb_reduction", 1, 300)
    )
    near = [sentence for sentence in answer if " − random" in sentence]
    assert [sentence.rstrip(".").split("), ")[-1] for sentence in near] == [alone, top]


def test_longer_responses_of_a_winner_are_told() -> None:
    grid, scores = plant_target()
    longer = pl.when(pl.col("strategy") == "bm25").then(150.0).otherwise(100.0)
    record = compare_on_target(grid.with_columns(mean_response_tokens=longer), scores, TARGET, "bpb_reduction", 1, 300)
    sentence = "Over a tenth longer than random's 100 tokens are the responses of 1 of the 5 that beat random."
    assert sentence in write_target_answer(record)


def test_a_row_has_both_gains_and_random_comes_last(record: TargetRecord) -> None:
    first, *_, last = list_target_rows(record)
    assert first[0] == "response-micro at degree 6 of the 20 % nearest the examples by bm25"
    assert first[2].startswith("+0.0") and first[3].startswith("−0.0")
    assert last[0] == "random" and last[2].startswith("one cell: ±0.0")


def test_a_target_without_prompts_is_refused_with_the_names() -> None:
    with pytest.raises(
        ValueError, match=r"need 10 prompts each, docstrings/absent has 0 .*name one of .*docstrings/sc"
    ):
        compare_on_target(*plant_target(), "docstrings/absent", "bpb_reduction", 1, 300)


def test_rows_beside_tokens_are_refused() -> None:
    grid, scores = plant_target()
    tokens = grid.with_columns(experiment=pl.col("experiment") + "-t", budget=pl.lit("tokens"))
    with pytest.raises(ValueError, match="a target is compared at one budget, got rows and tokens: give each a folder"):
        compare_on_target(pl.concat([grid, tokens]), scores, TARGET, "bpb_reduction", 1, 10)


@pytest.mark.parametrize(
    ("left_out", "compared"),
    [
        ((pl.col("prefilter") == "bm25") & (pl.col("strategy") != "random"), (1, 0)),
        ((pl.col("prefilter") == "random") & (pl.col("strategy") == "response-micro"), (0, 1)),
        (pl.col("strategy") == "response-micro", (0, 0)),
    ],
    ids=["random alone among the nearest", "units among the nearest alone", "no units"],
)
def test_a_contrast_whose_subsets_were_not_run_is_left_out(left_out: pl.Expr, compared: tuple[int, int]) -> None:
    grid, scores = plant_target()
    record = compare_on_target(grid.filter(~left_out), scores, TARGET, "bpb_reduction", 1, 300)
    [near] = record["near"]
    assert (len(near["diversity_alone"]), len(near["diversity_on_top"])) == compared
    assert sum(" − random" in sentence for sentence in write_target_answer(record)) == sum(compared)
    assert len(list_target_rows(record)) == len(record["here"]["selectors"]) + 1


def test_random_rows_of_the_nearest_are_the_baseline_where_no_cell_has_all_rows() -> None:
    grid, _ = plant_target()
    near = grid.filter(pl.col("prefilter") == "bm25")
    assert near.filter(choose_baseline(near))["strategy"].unique().to_list() == ["random"]
    assert grid.filter(choose_baseline(grid))["prefilter"].unique().to_list() == ["random"]
