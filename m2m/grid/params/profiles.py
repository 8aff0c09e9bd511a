"""Applies profiles to the settings of params.yaml, and lists what they change."""

from collections.abc import Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.tokens import CommentToken

BY_NAME = {
    "sources",
    "parts",
    "bake_off",
    "sizes",
    "hypotheses",
}  # their keys are free names: a profile replaces the whole block


class SettingChange(NamedTuple):
    """One setting with a new value; its name is dotted, as in `dvc exp run -S`."""

    name: str
    before: object
    after: object


def apply_profiles(settings: MutableMapping[str, Any], *profiles: Mapping[str, Any]) -> list[SettingChange]:
    """Write every value of the profiles, in order, into `settings`; return the changes.

    ValueError if a setting does not exist, or is a block in one and a value in the other.

    >>> settings = {"band": {"low": 10, "high": 500}}
    >>> apply_profiles(settings, {"band": {"low": 2, "high": 500}}, {"band": {"low": 5}}), settings
    ([SettingChange(name='band.low', before=10, after=5)], {'band': {'low': 5, 'high': 500}})
    """
    changes: dict[str, SettingChange] = {}
    for profile in profiles:
        for name, block, key, value in _placed(settings, profile, ""):
            before = changes[name].before if name in changes else block[key]
            changes[name] = SettingChange(name, before, value)
            if block[key] != value:
                block[key] = value
                _close_up(block, key)
    return [change for change in changes.values() if change.before != change.after]


def _close_up(block: MutableMapping[str, Any], key: str) -> None:
    """Take from the comment of `key` the column it was read at, which a shorter value would leave far behind."""
    if isinstance(block, CommentedMap):
        for token in block.ca.items.get(key, ()):
            if isinstance(token, CommentToken):
                token.start_mark.column = 0  # written one space behind the value


def _placed(
    settings: MutableMapping[str, Any], profile: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, MutableMapping[str, Any], str, Any]]:
    for key, value in profile.items():
        name = f"{prefix}{key}"
        if key not in settings:
            raise ValueError(f"{name} is not a setting of params.yaml. {_suggest(prefix, key, settings)}")
        inner = settings[key]
        blocks = isinstance(inner, Mapping), isinstance(value, Mapping)
        if blocks == (True, True) and key not in BY_NAME:
            yield from _placed(inner, value, f"{name}.")
        elif blocks[0] != blocks[1]:
            raise ValueError(f"{name} must be {'a block of settings' if blocks[0] else 'one value'}, got {value!r}")
        else:
            yield name, settings, key, value


def _suggest(prefix: str, key: str, settings: Mapping[str, Any]) -> str:
    close = get_close_matches(key, settings, n=1)
    return f"Did you mean {prefix}{close[0]}?" if close else f"Choose one of {', '.join(settings)}."
