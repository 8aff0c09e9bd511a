"""Equal numbers have one spelling, that of the shipped files, so that hashes of finished cells stay what they are."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from m2m.grid.number_spelling import spell_numbers
from m2m.grid.params.known_settings import list_known_settings
from m2m.grid.params.params_file import list_profiles, read_profile, read_settings
from m2m.grid.params.profiles import apply_profiles

BLOCKS = ("subset", "finetune", "generate", "judge", "measure", "rate")  # whose numbers are hashed
ROOT = Path(__file__).parents[2]


def list_fractions(block: Any, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The path of each setting that may have a fraction."""
    for name, kind in block.items():
        if isinstance(kind, dict):
            yield from list_fractions(kind, (*prefix, name))
        elif "float" in kind.kinds:
            yield (*prefix, name)


def nest(path: tuple[str, ...], value: Any) -> Any:
    return nest(path[:-1], {path[-1]: value}) if path else value


def test_the_shipped_settings_and_profiles_are_spelled_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for profile in [[], *map(read_profile, list_profiles())]:
        settings = deepcopy(read_settings(Path("params.yaml")))
        apply_profiles(settings, *profile)
        for block in BLOCKS:
            assert json.dumps(spell_numbers(settings[block])) == json.dumps(settings[block])


def test_a_whole_number_and_the_same_with_a_decimal_point_are_one() -> None:
    known = list_known_settings()
    paths = [path for block in BLOCKS for path in list_fractions(known[block], (block,))]
    assert ("judge", "temperature") in paths and ("generate", "endpoint", "timeout") in paths
    for path in paths:
        assert repr(spell_numbers(nest(path, 1))) == repr(spell_numbers(nest(path, 1.0)))
        assert spell_numbers(nest(path, 0.5)) == nest(path, 0.5)


def test_what_is_no_number_stays() -> None:
    values = {"slack": True, "temperature": None, "engines": ["likelihood"], "share": "1", "size": 10**400}
    assert repr(spell_numbers(values)) == repr(values)
