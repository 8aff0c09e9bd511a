"""The style of all figures: one look a scale, told apart in one legend."""

from m2m.study.figures.style import LOOKS, encode_looks, pad_range, find_look


def test_a_strategy_looks_like_the_scale_it_is_named_after() -> None:
    assert [find_look(name) for name in ("response-micro", "instruction-macro", "k-center", "stratified-length")] == [
        "micro", "macro", "other", "length-matched random",
    ]  # fmt: skip


def test_colour_and_shape_say_the_same_and_only_of_what_is_shown() -> None:
    colour, shape = (channel.to_dict()["scale"] for channel in encode_looks(name for name in ("micro", "macro")))
    assert colour["domain"] == shape["domain"] == ["macro", "micro"]
    assert list(zip(colour["range"], shape["range"], strict=True)) == [LOOKS["macro"], LOOKS["micro"]]


def test_there_is_room_around_the_values_also_when_they_are_all_equal() -> None:
    assert pad_range([0.0, 20.0, 10.0]) == [-1.0, 21.0]
    assert pad_range([20.0, 20.0]) == [19.0, 21.0]
    assert pad_range([0.0]) == [-1.0, 1.0]
