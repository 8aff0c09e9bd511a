"""The schema of study.json: a sound study passes, a damaged one is refused with the key that is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from m2m.schemas.study import validate_study

ROOT = Path(__file__).parent.parent.parent
STUDY = json.loads((ROOT / "metrics" / "development" / "study.json").read_text(encoding="utf-8"))


def test_a_committed_study_passes_as_it_is() -> None:
    assert validate_study(STUDY) == STUDY


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda study: study.pop("floors"), "floors: Field required"),
        (lambda study: study.update(flors=[]), "flors: Extra inputs are not permitted"),
        (lambda study: study.update(cells="21"), "cells: Input should be a valid integer"),
        (lambda study: study["slopes"][3].update(value="x"), "slopes[3].value: Input should be a valid number"),
        (lambda study: study["slopes"][0].update(valu=1.0), "slopes[0].valu: Extra inputs are not permitted"),
        (lambda study: study["slopes"][2].pop("value"), "slopes[2] must have `value` or a `reason`"),
        (lambda study: study["slopes"][0]["band"][2].pop("low"), "slopes[0].band[2].low: Field required"),
        (lambda study: study["claims"][1].update(state="yes"), "claims[1].state: Input should be 'supported', "),
        (lambda study: study["lengths"][0].update(verdict="dunno"), "lengths[0].verdict: Input should be"),
        (lambda study: study["floors"][0].pop("sd"), "floors[0] must have `sd` or a `reason`"),
        (
            lambda study: study["verdict"][0].update(sentences="one"),
            "verdict[0].sentences: Input should be a",
        ),
    ],
)
def test_a_damaged_study_is_refused_with_the_key(damage: Callable[[dict[str, Any]], Any], words: str) -> None:
    study = json.loads(json.dumps(STUDY))
    damage(study)
    with pytest.raises(ValueError) as error:
        validate_study(study)
    assert str(error.value).startswith(words)


def test_a_row_with_a_reason_needs_no_numbers() -> None:
    study = json.loads(json.dumps(STUDY))
    study["slopes"][0] = {
        name: study["slopes"][0][name] for name in ("outcome", "condition", "size", "strategy", "cells")
    }
    study["slopes"][0]["reason"] = "too few cells"
    assert validate_study(study)["slopes"][0]["reason"] == "too few cells"
