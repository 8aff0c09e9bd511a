"""Questions: natural, varied, stable, and every section is asked for once, whole."""

from m2m.data.pool.docstring_questions import (
    DESCRIPTION_QUESTIONS,
    SECTION_QUESTIONS,
    make_pairs,
    pick_question,
    tabulate_pairs,
)
from m2m.data.pool.docstring_sections import Documented, Section

LONG = Section("parameters", ("board (str): " + "x" * 60, "length: " + "y" * 60))


def thing(*sections: Section, kind: str = "function", name: str = "toolbox.cut") -> Documented:
    return Documented(name, kind, list(sections))


def test_every_section_gives_one_pair_with_the_section_as_response() -> None:
    found = list(make_pairs(thing(Section("description", ("Cuts.",)), Section("returns", ("int: How many.",))), 100))
    assert [response for _, response in found] == ["Cuts.", "int: How many."]


def test_the_question_names_the_object_readably() -> None:
    for kind in SECTION_QUESTIONS:
        assert "toolbox.cut" in pick_question(thing(), kind, "board")


def test_a_list_longer_than_the_limit_is_asked_for_entry_by_entry() -> None:
    found = list(make_pairs(thing(LONG), 100))
    assert [response for _, response in found] == list(LONG.entries)
    assert ["board" in asked for asked, _ in found] == [True, False]
    assert ["length" in asked for asked, _ in found] == [False, True]


def test_a_list_within_the_limit_is_asked_for_at_once() -> None:
    assert [response for _, response in make_pairs(thing(LONG), 1000)] == [LONG.text]


def test_other_long_sections_are_not_cut() -> None:
    notes = Section("notes", ("a" * 90, "b" * 90))
    assert [response for _, response in make_pairs(thing(notes), 100)] == [notes.text]


def test_the_phrasing_depends_on_the_object_and_all_phrasings_are_used() -> None:
    names = [f"toolbox.f{number}" for number in range(200)]
    found = {pick_question(thing(name=name), "returns").replace(name, "{it}") for name in names}
    assert found == set(SECTION_QUESTIONS["returns"])
    assert pick_question(thing(), "returns") == pick_question(thing(), "returns")


def test_classes_modules_and_properties_are_not_asked_what_they_do() -> None:
    for kind, phrasings in DESCRIPTION_QUESTIONS.items():
        assert pick_question(thing(kind=kind), "description") in [text.format(it="toolbox.cut") for text in phrasings]


def test_braces_in_a_parameter_are_no_placeholder() -> None:
    assert "{it}" in pick_question(thing(), "parameter", "{it}")


def test_rows_are_numbered_and_grouped_by_object() -> None:
    rows = tabulate_pairs([thing(Section("description", ("Cuts.",)), LONG)], "docs", 100)
    assert rows.select("source", "row", "group", "reason").rows() == [
        ("docs", row, "toolbox.cut", None) for row in range(3)
    ]


def test_nothing_documented_gives_no_rows() -> None:
    assert tabulate_pairs([], "docs", 100).shape == (0, 7)


def test_a_parameter_is_asked_for_by_its_name_without_its_type() -> None:
    asked_first, _ = next(iter(make_pairs(thing(LONG), 100)))
    assert "board" in asked_first and "(" not in asked_first


def test_the_phrasing_is_the_same_in_every_process() -> None:
    names = [f"toolbox.f{at}" for at in range(12)]
    asked = [pick_question(Documented(name, "function", []), "returns").replace(name, "{it}") for name in names]
    assert [SECTION_QUESTIONS["returns"].index(text) for text in asked] == [0, 2, 2, 2, 0, 2, 1, 1, 1, 2, 2, 1]


def test_a_list_of_just_the_limit_is_asked_for_at_once() -> None:
    assert [response for _, response in make_pairs(thing(LONG), len(LONG.text))] == [LONG.text]
