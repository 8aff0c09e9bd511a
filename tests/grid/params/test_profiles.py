"""A profile: every value in its place, what changed told once, and no setting that does not exist."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.grid.params.profiles import SettingChange, apply_profiles

SETTINGS = {
    "launch": "cpu.yaml",
    "band": {"low": 10, "high": 500},
    "judge": {"engines": ["likelihood"]},
    "ingest": {"seed": 1, "sources": {"docstrings": {"kind": "docstrings"}}},
}


def laid(*profiles: Any) -> tuple[Any, Any]:
    settings = copy.deepcopy(SETTINGS)
    return apply_profiles(settings, *profiles), settings


def test_what_a_profile_does_not_name_stays() -> None:
    changes, settings = laid({"band": {"low": 5}, "launch": "gpu.yaml"})
    assert settings == SETTINGS | {"band": {"low": 5, "high": 500}, "launch": "gpu.yaml"}
    assert changes == [SettingChange("band.low", 10, 5), SettingChange("launch", "cpu.yaml", "gpu.yaml")]


def test_a_list_and_a_mapping_by_name_are_replaced_as_a_whole() -> None:
    _, settings = laid({"judge": {"engines": ["arena-hard"]}, "ingest": {"sources": {"mine": {"kind": "files"}}}})
    assert settings["judge"]["engines"] == ["arena-hard"]
    assert settings["ingest"] == {"seed": 1, "sources": {"mine": {"kind": "files"}}}


def test_of_two_profiles_the_later_wins_and_a_change_is_told_once() -> None:
    changes, settings = laid({"band": {"low": 5, "high": 50}}, {"band": {"low": 7, "high": 500}})
    assert changes == [SettingChange("band.low", 10, 7)]
    assert settings["band"] == {"low": 7, "high": 500}


@given(st.fixed_dictionaries({}, optional={"low": st.integers(), "high": st.integers()}))
def test_the_same_profile_again_changes_nothing(block: Any) -> None:
    settings = copy.deepcopy(SETTINGS)
    apply_profiles(settings, {"band": block})
    once = copy.deepcopy(settings)
    assert apply_profiles(settings, {"band": block}) == [] and settings == once


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"band": {"hihg": 5}}, r"^band\.hihg is not a setting of params\.yaml\. Did you mean band\.high\?$"),
        ({"xyz": {"a": 5}}, r"^xyz is not a setting of params\.yaml\. Choose one of launch, band, judge, ingest\.$"),
        ({"band": 5}, "^band must be a block of settings, got 5$"),
        ({"launch": {"file": "cpu.yaml"}}, "^launch must be one value, got "),
    ],
)
def test_what_is_no_setting_is_one_sentence(profile: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        laid(profile)
