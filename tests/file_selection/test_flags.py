"""The flags of `m2m select` by strategy."""

import inspect
from dataclasses import replace

import pytest

from m2m.commands.select import main
from m2m.file_selection.arms import NO_LIMIT
from m2m.file_selection.exclusions import ExclusionSettings
from m2m.file_selection.flags import CHOICE_DEFAULTS, UNIT_DEFAULTS, describe_unread_flags, name_choice_flags
from m2m.file_selection.unit_settings import BandSettings, UnitSettings
from m2m.selection.arm import ArmSettings

NO_EXCLUSIONS = ExclusionSettings((), "keep", "", 1.0, "", 1.0)


def make_settings(strategy: str, match: str = "response-micro") -> ArmSettings:
    return ArmSettings(strategy, match, 6, 10, 1, 1.5, "inverse", "rows", 0, NO_LIMIT, "free", 0.25)


def test_the_defaults_are_those_of_the_command() -> None:
    defaults = {name: parameter.default for name, parameter in inspect.signature(main).parameters.items()}
    assert {name: defaults[name] for name in CHOICE_DEFAULTS} == CHOICE_DEFAULTS
    blocks = [defaults[name] for name in ("band", "phrases", "clusters", "embed")]
    assert UnitSettings(*blocks) == UNIT_DEFAULTS


@pytest.mark.parametrize(
    ("strategy", "match", "is_named"),
    [
        ("response-micro", "response-micro", False),
        ("type-cover", "response-micro", False),
        ("length-matched", "instruction-micro", False),
        ("length-matched", "instruction-meso", True),
        ("k-center", "response-micro", True),
        ("instag", "response-micro", True),
    ],
)
def test_a_band_is_read_where_the_units_are_token_types(strategy: str, match: str, is_named: bool) -> None:
    units = replace(UNIT_DEFAULTS, band=BandSettings(low=3))
    sentences = describe_unread_flags(make_settings(strategy, match), units, "")
    assert any("--band.low" in sentence for sentence in sentences) == is_named


def test_the_size_of_a_vocabulary_is_read_unless_a_tokenizer_is_named() -> None:
    units = replace(UNIT_DEFAULTS, band=BandSettings(vocab_size=99))
    assert describe_unread_flags(make_settings("random"), units, "") == []
    words = "response-micro does not read --band.vocab-size: the choice is the same without"
    assert describe_unread_flags(make_settings("response-micro"), units, "gpt2") == [words]


@pytest.mark.parametrize(
    ("strategy", "remedy"),
    [
        ("response-micro", "lower --band.low 10 or raise --band.high 500"),
        ("instruction-meso", "lower --phrases.min-share 0.003 or raise --phrases.max-share 0.1"),
        ("response-macro", "lower --clusters.min-cluster-size 15"),
    ],
)
def test_a_strategy_without_units_is_told_the_flags_of_its_units(strategy: str, remedy: str) -> None:
    error = (
        f"none of the 6 responses of min_tokens..max_tokens tokens has a unit of {strategy}: "
        "widen min_tokens..max_tokens, or the settings that its units are made with"
    )
    named = name_choice_flags(error, make_settings(strategy), NO_EXCLUSIONS, UNIT_DEFAULTS)
    assert named == f"none of the 6 responses has a unit of {strategy}: {remedy}"
