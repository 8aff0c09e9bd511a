"""The examples in docstrings hold."""

import doctest
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FILES = [
    file.relative_to(ROOT)
    for file in sorted([*(ROOT / "stages").rglob("*.py"), *(ROOT / "m2m").rglob("*.py")])
    if "    >>> " in file.read_text()
]


@pytest.mark.parametrize("file", FILES, ids=str)
def test_the_examples_hold(file: Any) -> None:
    found = doctest.testmod(import_module(".".join(file.with_suffix("").parts)))
    assert (found.failed, found.attempted > 0) == (0, True)
