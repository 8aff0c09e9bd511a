"""The style of all figures: one look a scale, with one legend for colour and shape."""

from m2m.study.figures.style import (
    LOOKS,
    Figure,
    encode_looks,
    find_look,
    join_panels,
    list_log_ticks,
    make_chart,
    pad_range,
)


def test_a_strategy_looks_like_the_scale_it_is_named_after() -> None:
    names = ("response-micro", "response-meso", "instruction-macro", "k-center", "length-matched")
    assert [find_look(name) for name in names] == [
        "micro (tokens)", "meso (tags)", "macro (clusters)", "other baseline", "length-matched random",
    ]  # fmt: skip


def test_colour_and_shape_agree_and_only_of_what_is_shown() -> None:
    shown = ("micro (tokens)", "macro (clusters)", "micro (tokens)")
    colour, shape = (channel.to_dict()["scale"] for channel in encode_looks(shown))
    assert colour["domain"] == shape["domain"] == ["macro (clusters)", "micro (tokens)"]
    assert list(zip(colour["range"], shape["range"], strict=True)) == [
        LOOKS["macro (clusters)"], LOOKS["micro (tokens)"],
    ]  # fmt: skip


def test_all_looks_differ_in_colour_and_in_shape() -> None:
    colours, shapes = zip(*LOOKS.values(), strict=True)
    assert len(set(colours)) == len(set(shapes)) == len(LOOKS)


def test_there_is_room_around_the_values_also_when_they_are_all_equal() -> None:
    assert pad_range([0.0, 20.0, 10.0]) == [-1.0, 21.0]
    assert pad_range([20.0, 20.0]) == [19.0, 21.0]
    assert pad_range([0.0]) == [-1.0, 1.0]


def test_a_log_axis_has_a_label_at_1_2_and_5_of_every_power() -> None:
    assert list_log_ticks()[:4] == [1, 2, 5, 10] and list_log_ticks()[-1] == 50_000_000


def test_the_panels_of_a_figure_stand_two_in_a_row_each_with_its_own_legend() -> None:
    panels = [make_chart([{"x": x}]).mark_point().encode(x="x:Q") for x in range(3)]
    spec = join_panels(Figure("name", "title", "caption", panels)).to_dict()
    assert spec["columns"] == 2 and [panel["data"]["values"] for panel in spec["concat"]] == [
        [{"x": x}] for x in range(3)
    ]
    assert spec["resolve"] == {"scale": {"color": "independent", "shape": "independent"}}
