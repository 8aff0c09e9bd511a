"""bench.same: an output counts as the same only where both runs have it with the same bytes."""

from bench.same import FIRST, SURROUNDINGS, compare


def test_an_output_with_other_bytes_or_of_one_run_alone_is_named() -> None:
    first = {"a": "1", "b": "2", "c": "3"}
    assert compare(first, dict(first)) == []
    assert compare(first, {"a": "1", "b": "0", "d": "4"}) == ["b", "c", "d"]


def test_every_surrounding_but_the_folder_changes_something() -> None:
    assert {name for name, settings in SURROUNDINGS.items() if not settings} == {FIRST, "another folder"}
