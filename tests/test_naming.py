"""The names of a module whose counts are known."""

import ast

from tests.naming import Names, count_names

MODULE = """
LIMIT = 3
class Row: ...
def read_rows(path, other, *, _kept=None):
    for one, row in enumerate(path):
        told: int = row
    try:
        return [found for found in path]
    except OSError as what:
        return (here := 1)
def rows(path): ...
def _rows(path): ...
async def write(path): ...
def main(): ...
"""
TWIN = "LIMIT, Other = 1, 2\ndef main(): ...\ndef write(): ...\n"


def test_names_are_counted() -> None:
    names = count_names({"a.py": ast.parse(MODULE), "b.py": ast.parse(TWIN)})
    assert names.bindings == 15 and names.functions == 4
    assert sorted(place.split()[1] for place in names.vague) == [
        "_kept",
        "found",
        "here",
        "one",
        "other",
        "told",
        "what",
    ]
    assert names.verbless == ["a.py:11 rows"]
    assert names.shared == ["a.py b.py LIMIT", "a.py b.py write"]


def test_a_count_is_within_its_limit_up_to_the_limit() -> None:
    at = Names(100, 10, ["vague"], ["no verb"] * 4, ["shared"] * 8)
    assert [within for _, within in at.describe_limits()] == [True, True, True]
    beyond = Names(100, 10, ["vague"] * 2, ["no verb"] * 5, ["shared"] * 9)
    assert [within for _, within in beyond.describe_limits()] == [False, False, False]
    assert beyond.describe_limits()[0][0] == "vague bindings  2.0% of 100 (at most 1%)"
