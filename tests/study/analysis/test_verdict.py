"""The verdict in words says what the numbers say, and no more."""

import polars as pl

from bench.planted import planted_grid
from m2m.study.analysis.headline import write_headline
from m2m.study.analysis.study import build_study
from m2m.study.analysis.verdict import _random, _slopes
from m2m.study.cells.cells import STRATEGIES
from tests.planted import NO_SCORES


def verdict(grid: pl.DataFrame) -> tuple[str, str]:
    [row] = build_study(
        grid.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64)), NO_SCORES, seed=1, resamples=100
    )["verdict"]
    return row["headline"], "\n".join(row["sentences"])


def test_what_falls_is_said_to_fall() -> None:
    headline, sentences = verdict(planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": -0.2}))
    assert "the bpb reduction falls with response-micro diversity" in headline
    assert ": it falls, " in sentences


def test_an_effect_that_goes_with_length_is_said_not_to_be_separable() -> None:
    headline, _ = verdict(planted_grid(dict.fromkeys(STRATEGIES, 0.2), length_slope=200))
    assert headline.count("cannot be separated from length") == 1
    assert all(strategy in headline for strategy in STRATEGIES)


def test_without_an_effect_the_headline_says_how_large_one_may_be() -> None:
    headline, _ = verdict(planted_grid({"response-micro": 0.0}))
    assert "their 95 % intervals reach from -0." in headline and headline.endswith(" bits a byte.")


def test_few_cells_say_nothing() -> None:
    headline, sentences = verdict(planted_grid({"response-micro": 0.0}, degrees=(0,), seeds=1, random=0))
    assert "the data do not say whether diversity matters for the bpb reduction" in headline
    assert "Nothing can be said against random." in sentences


def test_the_expected_number_of_false_alarms_stands_beside_the_count() -> None:
    _, sentences = verdict(planted_grid())
    assert "of 48 other cells lie outside their 95 % range, 2.4 would by chance" in sentences


def test_the_gain_over_random_rows_of_the_same_lengths_is_told() -> None:
    matched = planted_grid({"stratified-length": 0.0}, degrees=(0, 6), seeds=3, random=0, noise=0.001)
    plain = planted_grid({"response-micro": 0.1}, noise=0.001)
    _, sentences = verdict(pl.concat([plain, matched.with_columns(experiment=pl.format("{}-matched", "experiment"))]))
    assert "Against random rows of its very lengths response-micro adds " in sentences
    assert " at degree 0 (95 % " in sentences and " and +0.1" in sentences


def test_degrees_that_differ_without_a_sure_slope_are_told() -> None:
    """A step at degree 0 is no line, and the line's own noise is the step: replicates tell them apart."""
    grid = planted_grid({"response-micro": 0.0, "response-macro": 0.0}, degrees=(0, 3, 6), noise=0.002)
    stepped = (pl.col("strategy") == "response-macro") & (pl.col("degree") == 0)
    headline, sentences = verdict(grid.with_columns(bpb_reduction=pl.col("bpb_reduction") - stepped * 0.05))
    assert "the bpb reduction is not the same at all degrees of response-macro diversity (bits a byte)" in headline
    assert "response-macro is lowest at degree 0, -0.0" in headline and "can be told from noise" not in headline
    assert "Its degrees do differ (Holm p " in sentences and "A straight line does not tell how (p " in sentences


def test_a_peak_is_told_beside_a_slope_that_is_sure() -> None:
    grid = planted_grid({"response-micro": 0.3, "response-macro": 0.0}, degrees=(0, 3, 6), noise=0.002)
    peak = (pl.col("strategy") == "response-macro") & (pl.col("degree") == 3)
    headline, _ = verdict(grid.with_columns(bpb_reduction=pl.col("bpb_reduction") + peak * 0.05))
    assert "the bpb reduction rises with response-micro diversity" in headline
    assert "is not the same at all degrees of response-macro diversity" in headline


def test_a_slope_that_is_not_sure_is_held_against_length_too() -> None:
    grid = planted_grid({"response-micro": 0.0}, noise=0.2, length_slope=200)
    _, sentences = verdict(grid)
    assert "cannot tell; with length held fixed: cannot be separated from length" in sentences


def test_a_peak_of_a_strategy_whose_length_goes_with_degree_is_said_not_to_be_separable() -> None:
    grid = planted_grid({"response-micro": 0.0}, degrees=(0, 3, 6), noise=0.002, length_slope=200)
    peak = (pl.col("strategy") == "response-micro") & (pl.col("degree") == 3)
    headline, _ = verdict(grid.with_columns(bpb_reduction=pl.col("bpb_reduction") + peak * 0.05))
    assert "though on no sure straight line" in headline and "(cannot be separated from length" in headline


def test_only_the_rivals_that_were_run_are_told_to_be_beaten() -> None:
    slopes = {"response-micro": 0.3, "response-macro": 0.0}
    _, sentences = verdict(planted_grid(slopes, seeds=3))
    assert "every other strategy: supported (of 5 others 1 could be compared: response-macro; one-sided p " in sentences


def test_without_a_rival_nothing_is_said_of_rivals() -> None:
    _, sentences = verdict(planted_grid({"response-micro": 0.3}))
    assert "every other strategy" not in sentences and "most strongly" not in sentences


def test_published_sizes_that_agree_alike_share_a_sentence() -> None:
    _, sentences = verdict(planted_grid({"response-micro": 0.3, "response-macro": 0.2}))
    assert "Beside the paper's 10K, 20K and 30K: 2 of 2 slopes have its sign, 2 of the 2 sure ones (Holm)." in sentences


def test_a_window_says_whose_random_cells_it_is_compared_with() -> None:
    window = planted_grid({"response-micro": 0.0}, min_tokens=50, max_tokens=120, random=0)
    grid = pl.concat([planted_grid({"response-micro": 0.0}, max_tokens=100_000), window])
    rows = build_study(
        grid.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64)), NO_SCORES, seed=1, resamples=100
    )["verdict"]
    told = {row["condition"].split(", ")[1]: "\n".join(row["sentences"]) for row in rows}
    words = "Against random (random rows of any length; no random of this setting was run): "
    assert words in told["50..120 tokens each"] and words not in told["any length"]


def test_a_kind_is_better_or_worse_than_random_after_holm_alone_and_the_best_by_its_own_interval() -> None:
    where = {"condition": "rows, any length", "size": 500, "random_condition": "rows, any length"}
    noise = {"pooled_sd": 0.01, "df": 20, "strategy": "response-micro", "match": "response-micro"}
    likely = {"p": 0.001, "low": 0.01, "high": 0.2, "all_low": -0.1, "all_high": 0.3}
    rows = [
        where | noise | likely | {"degree": degree, "value": value, "p_holm": p_holm}
        for degree, value, p_holm in ((0, 0.1, 0.2), (3, -0.1, 0.2), (6, -0.2, 0.01))
    ]
    [told] = _random({"against_random": rows})
    assert "0 of 3 kinds of cell are better and 1 worse, after Holm. The best, response-micro at degree 0, adds" in told
    assert told.endswith("cannot tell it from random.")


def test_a_slope_that_is_sure_by_itself_alone_is_said_to_be_one_of_several() -> None:
    slope = {"outcome": "bpb_reduction", "strategy": "response-micro", "value": 0.1, "low": 0.01, "high": 0.2}
    mine = {"slopes": [slope | {"p": 0.03, "p_holm": 0.18}], "shapes": [], "lengths": []}
    assert "cannot tell, one of several slopes may look like this by chance; with length" in _slopes(mine)[0]
    mine["slopes"][0]["p"] = 0.3
    assert "by chance" not in _slopes(mine)[0]


def test_degrees_that_differ_before_holm_alone_are_no_headline() -> None:
    slope = {"strategy": "response-micro", "value": 0.01, "low": -0.01, "high": 0.03, "p": 0.3, "p_holm": 0.6}
    shape = {"strategy": "response-micro", "p": 0.02, "p_holm": 0.12}
    shape |= {"worst": 0, "worst_mean": 0.0, "best": 6, "best_mean": 0.1}
    text = write_headline({"slopes": [slope], "shapes": [shape], "lengths": []}, "bpb_reduction")
    assert text.startswith("no strategy's diversity has an effect on the bpb reduction that can be told from noise")
