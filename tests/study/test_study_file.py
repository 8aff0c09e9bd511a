"""study.json is checked on the way in and out; one sentence names the file and the key."""

from pathlib import Path
from typing import Any, cast

import pytest

from bench.planted import planted_grid
from m2m.runtime.artifacts import read_json, write_json
from m2m.schemas.study import Study
from m2m.study.analysis.study import build_study
from m2m.study.study_file import read_made, read_study, require_made, require_whole_grid, write_study
from tests.planted import NO_SCORES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study() -> Study:
    return build_study(planted_grid({"response-micro": 0.1}), NO_SCORES, seed=1, resamples=100)


def test_what_is_written_is_read_again(study: Study, tmp_path: Path) -> None:
    write_study(tmp_path / "new" / "study.json", study)
    assert read_study(tmp_path / "new" / "study.json") == study


def test_a_damaged_file_is_one_sentence_with_the_file_the_key_and_the_remedy(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    write_study(path, study)
    record = read_json(path)
    record["against_random"][2]["value"] = "0.1"
    write_json(path, record)
    with pytest.raises(ValueError) as error:
        read_study(path)
    assert str(error.value) == (
        f"{path} is not a valid study: against_random[2].value: Input should be a valid number. "
        f"Run `python -m m2m study {tmp_path}`."
    )


def test_a_study_that_breaks_the_schema_is_not_written(study: Study, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="slopes: Field required"):
        write_study(tmp_path / "study.json", cast(Study, {name: study[name] for name in study if name != "slopes"}))  # type: ignore[literal-required]
    assert not (tmp_path / "study.json").exists()


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"x": 3}, "x: Input should be a valid dictionary"),
        ({"x": {"grid": {"rows": 3}}}, "x.grid.sha256: Field required"),
        ({"x": {"grid": {"rows": "3", "sha256": "a"}}}, "x.grid.rows: Input should be a valid integer"),
        ({"x": {"data": [1]}}, "x.data: Input should be a valid dictionary"),
        ({"x": {"settings": {"judge": 3}}}, "x.settings.judge: Input should be a valid dictionary"),
    ],
)
def test_a_damaged_record_of_a_grid_is_one_sentence_with_file_key_and_remedy(
    tmp_path: Path, record: dict[str, Any], rule: str
) -> None:
    path = tmp_path / "made.json"
    write_json(path, record)
    with pytest.raises(ValueError) as error:
        require_whole_grid(tmp_path / "grid.csv", path)
    assert str(error.value) == (
        f"{path} is not a valid record of a grid: {rule}. Run `python -m m2m collect --folder {tmp_path}`, or restore "
        "it from git."
    )


def test_a_record_without_the_studys_provenance_is_one_sentence(tmp_path: Path) -> None:
    write_json(tmp_path / "made.json", {"older": {"code": {}}})
    made = read_made(tmp_path / "made.json")
    assert require_made(made, "older", tmp_path / "made.json") == {"code": {}}
    with pytest.raises(ValueError, match=r"made\.json has nothing of provenance newer, of which the study is\. Run"):
        require_made(made, "newer", tmp_path / "made.json")


@pytest.mark.parametrize("folder", ["metrics", "metrics/development", "metrics/smollm2"])
def test_what_is_shipped_is_valid(folder: str) -> None:
    study = read_study(ROOT / folder / "study.json")
    made = read_made(ROOT / folder / "made.json")
    assert require_made(made, study["provenance"], ROOT / folder)
    require_whole_grid(ROOT / folder / "grid.csv", ROOT / folder / "made.json")
