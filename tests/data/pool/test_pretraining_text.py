"""The corpus shares no object and no text with what the pool is made of."""

from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.pool.docstring_sections import Documented, Section
from m2m.data.pool.pretraining_text import build_corpus, collect_clauses, divide_objects, extract_clauses, format_prose

words = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta.", "Epsilon", "zeta?\n"]), min_size=1, max_size=12)
sections = st.builds(
    Section,
    st.sampled_from(["description", "parameters", "notes"]),
    st.lists(words.map(" ".join), min_size=1, max_size=3).map(tuple),
)
libraries = st.lists(st.lists(sections, min_size=1, max_size=3), max_size=8)


def things(contents: list[list[Section]]) -> list[Documented]:
    return [Documented(f"toolbox.f{at}", "function", each) for at, each in enumerate(contents)]


@settings(deadline=None, max_examples=40)
@given(libraries, libraries)
def test_no_part_and_no_long_sentence_of_the_corpus_is_elsewhere(
    mine: list[list[Section]], other: list[list[Section]]
) -> None:
    elsewhere = collect_clauses(things(other))
    text = [
        line.removeprefix("- ")
        for row in build_corpus(things(mine), elsewhere)["text"]
        for line in row.split("\n\n")[1:]
    ]
    assert all(elsewhere.isdisjoint(extract_clauses(part)) for part in text if not part.startswith("Parameters:"))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(max_size=5)), st.floats(0, 1), st.integers(0, 9))
def test_equal_docstrings_land_on_one_side_whatever_else_there_is(
    docstrings: list[str], share: float, seed: int
) -> None:
    library = things([[] for _ in docstrings])
    studied, questioned = divide_objects(library, docstrings, share, seed)
    assert sorted([*studied, *questioned]) == sorted(library)
    by_name = {thing.name: text for thing, text in zip(library, docstrings, strict=True)}
    assert {by_name[thing.name] for thing in studied}.isdisjoint({by_name[thing.name] for thing in questioned})


def test_a_share_of_nothing_and_of_everything() -> None:
    library = things([[], []])
    assert divide_objects(library, ["a", "b"], 0, 0) == ([], library)
    assert divide_objects(library, ["a", "b"], 1, 0) == (library, [])


def test_a_shared_part_is_left_out_and_the_rest_stays() -> None:
    one = Documented(
        "toolbox.f", "function", [Section("description", ("Own.", "Shared  TEXT.")), Section("returns", ("int",))]
    )
    assert format_prose(one, extract_clauses("shared text.")) == "toolbox.f\n\nOwn.\n\nReturns:\n- int"


def test_a_part_is_left_out_for_one_shared_sentence_of_forty_characters() -> None:
    sentence = "This sentence has at least forty characters."
    one = Documented("toolbox.f", "function", [Section("notes", (f"First. {sentence}", "Second."))])
    assert format_prose(one, extract_clauses(f"Other. {sentence} More.")) == "toolbox.f\n\nSecond."


def test_an_object_without_text_of_its_own_is_left_out() -> None:
    one = Documented("toolbox.f", "function", [Section("notes", ("Shared.",))])
    assert format_prose(one, extract_clauses("Shared.")) == ""
    assert build_corpus([one], extract_clauses("Shared.")).shape == (0, 2)


def test_the_order_of_the_objects_does_not_matter() -> None:
    library = things([[Section("notes", (text,))] for text in "abc"])
    assert build_corpus(library, set()).equals(build_corpus(library[::-1], set()))
