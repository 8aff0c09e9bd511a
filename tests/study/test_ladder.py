"""What a proxy is worth, on planted cells whose orders are known."""

import numpy as np
import polars as pl
import pytest

from bench.ladder import compare, compare_halves, split_seeds
from bench.ladder_proxy import build_proxy_grid
from bench.planted import planted_grid
from m2m.schemas.grid import Grid
from m2m.study.cells.cells import select_comparable
from m2m.study.ladder import Ladder, compare_ladder

SLOPES = {"response-micro": 0.6, "response-meso": 0.4, "instruction-micro": -0.2}


def cells(noise: float = 0.001, seed: int = 0, slopes: dict[str, float] = SLOPES) -> pl.DataFrame:
    return select_comparable(planted_grid(slopes, noise=noise, seed=seed))


def ladder(proxy: pl.DataFrame, target: pl.DataFrame) -> Ladder:
    return compare_ladder(proxy, target, "bpb_reduction", np.random.default_rng(1), 500)


def plant_levels(levels: np.ndarray) -> pl.DataFrame:
    """A cell a configuration, at these levels."""
    slopes = dict.fromkeys((*SLOPES, "response-macro"), 0.0)
    grid = select_comparable(planted_grid(slopes, degrees=(0, 6), seeds=1, random=1, noise=0.0))
    return grid.filter(pl.col("strategy") != "random").with_columns(bpb_reduction=pl.Series(levels))


def flip(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(bpb_reduction=-pl.col("bpb_reduction"))


def test_a_proxy_that_is_the_target_orders_every_pair_alike() -> None:
    result = ladder(cells(), cells())
    assert result.rank_correlation[::2] == pytest.approx((1, 1))
    assert result.agreement[::2] == (1, 1)
    assert (result.cells, result.left_out, result.configurations, result.all_pairs) == (32, 0, 13, 78)


def test_a_proxy_with_all_signs_turned_orders_no_pair_alike() -> None:
    turned = ladder(flip(cells()), cells())
    assert turned.rank_correlation[:2] == pytest.approx((-1, -1))
    assert turned.agreement[:2] == (0, 0)


def test_four_configurations_in_one_order_prove_little() -> None:
    """Of 24 orders one is the same by chance: Bonett and Wright's interval is −0.73 to 1."""
    four = cells(0.0001, slopes={"response-micro": 0.6}).filter(pl.col("degree") < 6)
    rank, share = ladder(four, four)[4], ladder(four, four)[7]
    assert rank == pytest.approx((1, -0.730, 1), abs=1e-3)
    assert share[::2] == (1, 1) and 0.3 < share[1] < 0.7
    turned = ladder(flip(four), four)[7]
    assert turned == pytest.approx(tuple(1 - end for end in (share[0], share[2], share[1])))


def test_the_interval_of_the_share_of_pairs_holds_the_truth_in_95_of_100_studies() -> None:
    """Of 200 studies with eight configurations; of pairs that differ, an equally good proxy orders 96.6 % alike."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        levels = rng.normal(size=8)
        proxy, target = (plant_levels(levels + rng.normal(0, 0.2, 8)) for _ in range(2))
        share = compare_ladder(proxy, target, "bpb_reduction", rng, 200, 0.3).agreement
        held += share.low <= 0.966 <= share.high
    assert held >= 186, held


def test_pairs_within_the_seed_noise_do_not_count() -> None:
    target = cells(0.01, slopes={"response-micro": 0.6, "response-meso": 0.0})
    result = ladder(cells(0.5, 3, {"response-micro": 0.0, "response-meso": 0.0}), target)
    assert result.all_pairs == 36
    assert result.seed_noise == pytest.approx(0.01, rel=0.5)
    worths = target.group_by("strategy", "degree").agg(pl.col("bpb_reduction").mean())["bpb_reduction"].to_numpy()
    apart = np.abs(worths[:, None] - worths)[np.triu_indices(len(worths), 1)] > result.seed_noise
    assert result.pairs == apart.sum() < 36


def test_a_proxy_of_pure_noise_agrees_on_half_of_the_pairs() -> None:
    ladders = [ladder(cells(0.5, seed, dict.fromkeys(SLOPES, 0.0)), cells()) for seed in range(1, 21)]
    assert np.mean([result.agreement.value for result in ladders]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([result.rank_correlation.value for result in ladders]) == pytest.approx(0, abs=0.2)
    assert sum(result.agreement.low <= 0.5 <= result.agreement.high for result in ladders) >= 15


def test_cells_of_one_model_alone_are_left_out_and_counted() -> None:
    target = cells()
    proxy = target.filter(~((pl.col("strategy") == "response-meso") & (pl.col("seed") == 1)))
    assert ladder(proxy, target)[:3] == (28, 4, 13)
    null = target.with_columns(bpb_reduction=pl.when(pl.col("degree") < 6).then("bpb_reduction"))
    assert ladder(target, null)[:3] == (26, 6, 10)


def test_the_order_of_the_rows_does_not_count() -> None:
    shuffled = cells().sample(fraction=1.0, shuffle=True, seed=1)
    assert ladder(cells(seed=2), cells()) == ladder(cells(seed=2).reverse(), shuffled)


def test_too_little_to_compare_is_said() -> None:
    one_seed = cells().filter(pl.col("seed") == 0)
    with pytest.raises(ValueError, match="two seeds of a configuration, each configuration has one"):
        ladder(one_seed, one_seed)
    few = cells().filter(pl.col("degree") == 6)
    with pytest.raises(ValueError, match="at least 4 configurations that both models were trained on, got 3"):
        ladder(few, few)
    level = cells().with_columns(bpb_reduction=pl.col("seed").cast(pl.Float64))
    pairs = level.filter(pl.col("strategy") != "random")
    with pytest.raises(ValueError, match=r"no two configurations differ by more than the target's seed noise, 0\.71"):
        ladder(pairs, pairs)


def read_row(line: str) -> list[str]:
    """Its figures, without the name."""
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_table_has_all_seeds_and_then_both_on_equal_terms() -> None:
    target = cells().with_columns(seed=pl.col("seed") + 1)
    lines = compare(flip(target), target, resamples=100)
    assert lines[0].startswith("Seed noise of the target: 0.0008 bpb.")
    assert lines[4].startswith("| proxy, all seeds | 32 | 0 | 13 | −1.00 (−1.00 to −0.")
    assert lines[5].startswith("| proxy's even seeds, target's odd ones | 16 | 0 | 13 | −0.9")
    assert lines[6].startswith("| ceiling: target's even seeds, its odd ones | 16 | 0 | 13 | 0.9")
    assert read_row(lines[5])[4] == read_row(lines[6])[4]  # the pairs that differ
    odd, even = split_seeds(target)
    assert (odd["seed"].to_list(), even.height) == (even["seed"].to_list(), 16)
    with_one = target.filter((pl.col("seed") == 1) | (pl.col("strategy") == "random") & (pl.col("seed") == 2))
    assert compare(with_one, with_one, resamples=100)[-1].startswith("No ceiling: a ladder needs at least 4")


def test_a_proxy_that_is_the_target_reaches_its_ceiling_and_no_more() -> None:
    target = cells(0.2).with_columns(seed=pl.col("seed") + 1)
    lines = compare(target, target, resamples=100)
    assert read_row(lines[5]) == read_row(lines[6]) != read_row(lines[4])


def test_cells_that_the_proxy_lacks_are_missing_from_its_ceiling_too() -> None:
    target = cells().with_columns(seed=pl.col("seed") + 1)
    lines = compare(target.filter(~((pl.col("strategy") == "response-meso") & (pl.col("seed") == 2))), target)
    assert [read_row(line)[2] for line in lines[4:]] == ["13", "9", "9"]


def test_an_equally_good_proxy_is_above_its_ceiling_in_half_of_the_studies() -> None:
    above = []
    for study in range(60):
        target, proxy = (cells(0.3, 2 * study + side).with_columns(seed=pl.col("seed") + 1) for side in (1, 2))
        first, ceiling = compare_halves(proxy, target, 0.3, study, 10)
        above.append(np.sign(first.rank_correlation.value - ceiling.rank_correlation.value) / 2 + 0.5)
        assert first.pairs == ceiling.pairs
    assert np.mean(above) == pytest.approx(0.5, abs=0.2)


def test_the_proxys_grid_is_the_targets_with_its_bits_alone() -> None:
    grid = Grid.validate(planted_grid(SLOPES))
    names = grid["experiment"].to_list()[:-1]
    proxy = build_proxy_grid(grid, dict.fromkeys(names, 0.25), dict.fromkeys(names, 3.0))
    assert Grid.validate(proxy)["experiment"].to_list() == names
    assert proxy["bpb_reduction"].unique().to_list() == [0.25]
    assert proxy["opponent_bits_per_byte"].unique().to_list() == [3.0]
    assert "bpb_reduction_prompts_only_low" not in proxy.columns
    assert proxy["mean_response_tokens"].to_list() == grid["mean_response_tokens"].to_list()[:-1]
