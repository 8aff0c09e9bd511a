from pathlib import Path

import pytest

from m2m.runtime.settings import read_arguments, write_command


def test_settings_are_read_in_place_of_their_names(tmp_path: Path) -> None:
    """As DVC's own `${…}` would write them, but that each value is one word, whatever is in it."""
    file = tmp_path / "params.yaml"
    file.write_text(
        "a: {rate: 1e-3, name: '--help; x', key: '', no: null, list: [b, '$c'], empty: [], d: {e: on}}\nf: 2\n"
    )
    assert read_arguments(["in.txt", "@a", "--seed", "@f", "--name", "@a.name", "--x", "1"], file) == [
        "in.txt", "--rate=0.001", "--name=--help; x", "--key=", "--no=None", "--list", "b", "$c", "--d.e=on",
        "--seed=2", "--name=--help; x", "--x", "1",
    ]  # fmt: skip
    for name in ("g", "a.rate.x", "a.g"):
        with pytest.raises(ValueError, match=rf"params\.yaml has no setting {name}\. Run python -m m2m check"):
            read_arguments([f"@{name}"], file)


def test_a_command_is_told_with_its_values_quoted_where_they_need_it() -> None:
    settings = {"base": {"name": "my model", "seed": -1}}
    assert write_command("python -m stages.base --name @base.name --seed @base.seed", settings) == (
        "python -m stages.base --name 'my model' --seed -1"
    )
    assert write_command("python -m stages.base --seed 1", settings) == "python -m stages.base --seed 1"
