from importlib.metadata import metadata
from typing import Any

import pytest

from m2m.export import licences


def test_an_installed_package_is_told_as_its_metadata_say() -> None:
    assert metadata("pytest")["License-Expression"] == licences.find_licence("pytest") == "MIT"


def test_a_package_that_is_not_there_is_told_so() -> None:
    assert licences.find_licence("no_such_package") == "not installed here"


@pytest.mark.parametrize(
    ("told", "licence"),
    [
        ({"license_expression": "MIT", "license": "other"}, "MIT"),
        ({"classifier": ["License :: OSI Approved :: BSD License", "Topic :: Text"], "license": "BSD"}, "BSD License"),
        ({"classifier": ["License :: OSI Approved"], "license": "EPL v2.0"}, "EPL v2.0"),
        ({"license": "Permission is hereby\ngranted …"}, "not stated"),
        ({}, "not stated"),
    ],
)
def test_the_most_exact_statement_wins_and_a_whole_licence_text_is_none(
    monkeypatch: pytest.MonkeyPatch, told: Any, licence: str
) -> None:
    monkeypatch.setattr(licences, "packages_distributions", lambda: {"one": ["one-package"]})
    monkeypatch.setattr(licences, "metadata", lambda _: type("Metadata", (), {"json": told}))
    assert licences.find_licence("one") == licence
