"""study.json is checked on the way in and out; one sentence names the file and the key."""

from pathlib import Path
from typing import cast

import pytest

from bench.planted import planted_grid
from m2m.runtime.artifacts import read_json, write_json
from m2m.schemas.study import Study
from m2m.study.analysis.study import build_study
from m2m.study.study_file import read_study, write_study
from tests.planted import NO_SCORES


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
