"""A chart's specification → what each of its layers draws: its mark, which field goes where, and the rows."""

from typing import Any, NamedTuple


class Layer(NamedTuple):
    mark: str
    fields: dict[str, str]
    rows: list[dict[str, Any]]


def read_layers(panel: Any) -> list[Layer]:
    spec = panel.to_dict()
    return [_read_layer(layer) for layer in spec.get("layer", [spec])]


def read_axis(panel: Any, channel: str) -> dict[str, Any]:
    """Title and domain of x or y, of the first layer that gives them."""
    spec = panel.to_dict()
    channels = [layer["encoding"][channel] for layer in spec.get("layer", [spec]) if channel in layer["encoding"]]
    titles = [definition["title"] for definition in channels if definition.get("title")]
    domains = [definition["scale"].get("domain") for definition in channels if "scale" in definition]
    return {"title": titles[0] if titles else None, "domain": domains[0] if domains else None}


def read_legend(panel: Any) -> dict[str, tuple[str, str]]:
    """The colour and the shape that the legend gives each name."""
    scales = {
        channel: layer["encoding"][channel]["scale"]
        for layer in panel.to_dict()["layer"]
        for channel in ("color", "shape")
        if channel in layer["encoding"]
    }
    colours, shapes = scales["color"], scales["shape"]
    assert colours["domain"] == shapes["domain"]
    return dict(zip(colours["domain"], zip(colours["range"], shapes["range"], strict=True), strict=True))


def pick(layer: Layer, *names: str) -> list[tuple[Any, ...]]:
    """These values of each row."""
    return [tuple(row[name] for name in names) for row in layer.rows]


def _read_layer(layer: dict[str, Any]) -> Layer:
    fields = {name: channel["field"] for name, channel in layer["encoding"].items() if "field" in channel}
    return Layer(layer["mark"]["type"], fields, layer["data"]["values"])
