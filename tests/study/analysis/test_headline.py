"""The headline says what the rows' numbers say: which configuration, which way, which interval, and no more."""

from typing import Any

from m2m.study.analysis.headline import advise, describe_length_control, write_headline
from tests.study.study_rows import gain, lengths, make_study, shape, slope

WORST = gain(-0.04, degree=0)
NOTHING = "No strategy shows a significant effect of diversity (95 % CIs of the slopes: −0.050 to 0.030 bpb)."


def headline(outcome: str = "bpb_reduction", **rows: Any) -> str:
    return write_headline(make_study(**rows), outcome)


def test_where_nothing_beats_random_the_largest_gain_is_named_with_the_interval_for_all_compared() -> None:
    rows = [WORST, gain(0.003, 0.4, degree=4), gain(0.001, 0.6, degree=2)]
    assert headline(against_random=rows).startswith(
        "No configuration beats random (best: response-micro at degree 4, +0.003 bpb, "
        "95 % CI −0.017 to 0.033; 3 compared). "
        "1 of 3 is significantly worse than random: response-micro at degree 0. "
    )


def test_an_interval_without_0_that_holm_does_not_confirm_is_no_gain_and_the_headline_says_so() -> None:
    """Holm's family also has slopes and shapes, so its p may be above 5 % beside an interval above 0."""
    doubt = "That interval leaves out 0, but Holm's p is 0.061: not significant."
    answer = "No configuration beats random (best: response-micro at degree 6, +0.025 bpb, 95 % CI 0.005 to 0.055; "
    assert headline(against_random=[gain(0.025, 0.061)]).startswith(f"{answer}1 compared). {doubt} ")
    assert doubt in headline(against_random=[gain(-0.035, 0.061)])
    for row in (gain(0.019, 0.061), gain(-0.029, 0.061), gain(0.025, 0.049)):
        assert "leaves out 0" not in headline(against_random=[row])


def test_what_beats_random_is_counted_and_the_best_is_named() -> None:
    rows = [gain(0.05), gain(0.07, degree=4), gain(0.01, 0.2, degree=2), WORST, gain(-0.03, degree=1)]
    assert headline(against_random=rows).startswith(
        "2 of 5 configurations beat random (best: response-micro at degree 4, +0.070 bpb, 95 % CI 0.050 to 0.100). "
        "2 of 5 are significantly worse than random: response-micro at degree 0 and response-micro at degree 1. "
    )


def test_random_rows_of_other_lengths_are_no_win_of_diversity() -> None:
    matched = gain(0.05, strategy="length-matched")
    assert headline(against_random=[matched, gain(0.01, 0.2)]).startswith(
        "1 of 2 configurations beats random (best: length-matched random for response-micro at degree 6, +0.050 bpb, "
        "95 % CI 0.030 to 0.080). The best one is random rows of other lengths: that gain is length's, not diversity's."
    )
    for rows in ([matched, gain(0.07)], [gain(0.003, 0.4, strategy="length-matched")]):
        assert "other lengths" not in headline(against_random=rows)


def test_one_that_beats_random_is_singular() -> None:
    text = headline(against_random=[gain(0.05), gain(0.01, 0.2, degree=2)])
    assert text.startswith("1 of 2 configurations beats random (best: response-micro at degree 6, +0.050 bpb,")
    assert "worse" not in text


def test_a_win_rate_is_named_as_the_unit_of_its_difference() -> None:
    rows = [gain(0.05, outcome="arena_hard_win_rate")]
    assert "+0.050 in win rate, 95 % CI 0.030 to 0.080)" in headline("arena_hard_win_rate", against_random=rows)


def test_a_trend_has_its_sign_its_interval_and_what_length_leaves_of_it() -> None:
    rows = [slope("response-macro", -0.0211, 0.02), slope("response-micro", 0.0221, 0.0499)]
    length = [*lengths("response-macro", "cannot tell", "not explained by length")]
    length += lengths("response-micro", "cannot tell", "explained by length")
    assert headline(slopes=rows, lengths=length).endswith(
        "Response-macro: −0.021 bpb from least to most diverse (95 % CI −0.031 to −0.001). "
        "With length controlled: not explained by length. "
        "Response-micro: +0.022 bpb from least to most diverse (95 % CI 0.012 to 0.042). "
        "With length controlled: explained by length."
    )


def test_a_rise_is_no_gain_over_random_where_its_most_diverse_subset_is_not_better() -> None:
    """Nothing is said of what was not compared, of a strategy that is better anywhere, or of a fall."""
    rise, fall = slope("response-micro", 0.02, 0.01), slope("response-micro", -0.02, 0.01)
    level, words = gain(0.01, 0.3), "Response-micro at degree 6 is not significantly better than random"
    assert headline(slopes=[rise], against_random=[gain(-0.05, degree=2), level]).endswith(f"{words}.")
    assert headline(slopes=[rise], against_random=[level, WORST]).endswith(f"{words}; degree 0 is significantly worse.")
    elsewhere = gain(0.05, strategy="k-center")
    for rows in ([elsewhere], [level, gain(0.05, degree=3)], [gain(0.05)]):
        assert "not significantly better" not in headline(slopes=[rise], against_random=rows)
    assert "not significantly better" not in headline(slopes=[rise], against_random=[gain(0.05)], confirmed=[elsewhere])
    assert "not significantly better" not in headline(slopes=[fall], against_random=[level])
    assert "not significantly better" not in headline(slopes=[rise])


def test_what_to_take_is_the_best_or_random_and_nothing_where_nothing_was_compared() -> None:
    assert (
        advise(make_study(against_random=[gain(0.05), gain(0.01, 0.3, degree=2)])) == "Take response-micro at degree 6."
    )
    assert advise(make_study(against_random=[gain(0.01, 0.3)])) == "Take random rows."
    assert advise(make_study(against_random=[gain(0.05)], confirmed=[gain(0.01, 0.3)])) == "Take random rows."
    assert advise(make_study()) == ""


def test_of_many_that_are_worse_the_worst_two_are_named() -> None:
    rows = [gain(-0.01 * number, degree=number) for number in (1, 2, 3)]
    assert "3 of 3 are significantly worse than random: most of all response-micro at degree 3 and " in headline(
        against_random=rows
    )


def test_a_trend_that_is_significant_before_holm_alone_is_none() -> None:
    rows = [slope("response-micro", 0.01, 0.12), slope("response-macro", -0.04, 0.05)]
    assert headline(slopes=rows).endswith(NOTHING)


def test_degrees_that_differ_without_a_trend_are_grouped_by_the_lowest() -> None:
    slopes = [slope("response-micro", 0.02, 0.01), slope("response-macro", 0.02, 0.3), slope("response-meso", 0, 0.4)]
    shapes = [shape("response-micro", 0.001, 0, 6), shape("response-macro", 0.04, 0, 4)]
    shapes += [shape("response-meso", 0.03, 2, 6), shape("instruction-meso", 0.02, 0, 6)]
    assert headline(slopes=slopes, shapes=shapes).endswith(
        "(95 % CI 0.010 to 0.040). "
        "Response-macro and instruction-meso: no significant linear trend, but the degrees differ; "
        "degree 0 has the lowest mean. "
        "Response-meso: no significant linear trend, but the degrees differ; degree 2 has the lowest mean."
    )


def test_degrees_that_differ_before_holm_alone_are_no_headline() -> None:
    rows = [slope("response-micro", 0.01, 0.3), slope("response-macro", -0.04, 0.5)]
    assert headline(slopes=rows, shapes=[shape("response-micro", 0.06, 0, 6)]).endswith(NOTHING)


def test_without_a_comparison_or_a_slope_the_reason_is_given() -> None:
    rows = [{"reason": "there is no random cell of this size and opponent: run random"}] * 2
    assert headline(against_random=rows) == (
        "No comparison with random: there is no random cell of this size and opponent: run random. "
        "The effect of diversity cannot be estimated."
    )
    assert headline().startswith("No comparison with random: only random was run. ")


def test_what_length_leaves_is_that_of_the_shared_model_of_the_strategy() -> None:
    rows = lengths("response-micro", "cannot tell", "explained by length")
    rows += lengths("response-macro", "no plain effect", "cannot tell")
    assert describe_length_control(rows, "response-micro") == "With length controlled: explained by length."
    assert describe_length_control(rows, "response-meso") == ""


def test_where_lengths_are_randoms_by_design_length_is_no_explanation() -> None:
    rows = lengths("response-micro", "equal lengths by design", "cannot tell")[:1]
    assert describe_length_control(rows, "response-micro") == (
        "Response lengths are random's at every degree, so length does not explain it."
    )


def test_a_model_of_length_without_numbers_is_said_to_be_missing() -> None:
    rows = lengths("response-micro", "cannot tell", "cannot tell")
    rows[1] = {**rows[1], "reason": "too few"}
    del rows[1]["verdict"]
    assert describe_length_control(rows, "response-micro") == "With length controlled: cannot be estimated."


def test_a_cliff_is_called_so_even_where_a_line_rises() -> None:
    slopes = [slope("response-micro", 0.02, 0.01), slope("response-macro", 0.02, 0.01)]
    shapes = [shape("response-micro", 0.001, 0, 6, step_p=0.3), shape("response-macro", 0.001, 0, 6, step_p=0.01)]
    shapes += [shape("response-meso", 0.001, 0, 6, step_p=0.2), shape("instruction-meso", 0.3, 0, 6, step_p=0.2)]
    text = headline(slopes=slopes, shapes=shapes)
    assert text.endswith("Response-micro and response-meso: a cliff. Degree 0 is low; no difference is seen above it.")
    assert text.count("from least to most diverse") == 1 and "Response-macro: +0.020 bpb from" in text
