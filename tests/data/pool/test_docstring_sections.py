"""Sections: every style is read, nothing inside a section is lost, marks of reStructuredText are not left standing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.pool.docstring_sections import parse_sections, strip_markup

GOOGLE = """Cut a board.

It has to be dry.

Args:
    board (str): The board,
        best of oak.
    length (int, optional): How long. Defaults to 3.

Returns:
    list: The pieces.

Raises:
    ValueError: If it is wet.

Note:
    Mind the fingers.
"""
NUMPY = """Cut a board.

It has to be dry.

Parameters
----------
board : str
    The board,
    best of oak.
length : int, optional
    How long.

Returns
-------
list
    The pieces.

Raises
------
ValueError
    If it is wet.

See Also
--------
glue : Sticks
    together.
sand, paper
    Smooth.

Notes
-----
Mind the fingers.

Examples
--------
Once:

>>> cut("oak",
...     2)
['a', 'b']
"""
REST = """Cut a board.

It has to be dry.

:param str board: The board,
    best of oak.
:param length: How long.
:returns: The pieces.
:raises ValueError: If it is wet.
"""


def found(docstring: str) -> dict[str, str]:
    return {section.kind: section.text for section in parse_sections(docstring)}


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_description_parameters_returns_and_errors_are_read_in_every_style(docstring: str) -> None:
    texts = found(docstring)
    assert texts["description"] == "Cut a board.\n\nIt has to be dry."
    assert "board (str): The board, best of oak." in texts["parameters"]
    assert "The pieces." in texts["returns"]
    assert texts["raises"] == "ValueError: If it is wet."


def test_each_parameter_is_an_entry_of_its_own() -> None:
    parameters = next(section for section in parse_sections(NUMPY) if section.kind == "parameters")
    assert parameters.entries == ("board (str): The board, best of oak.", "length (int, optional): How long.")
    assert parameters.text == "- board (str): The board, best of oak.\n- length (int, optional): How long."


def test_notes_examples_and_related_objects_are_read() -> None:
    texts = found(NUMPY)
    assert texts["notes"] == found(GOOGLE)["notes"] == "Mind the fingers."
    assert texts["examples"] == "Once:\n\n>>> cut(\"oak\",\n...     2)\n['a', 'b']"
    assert texts["related"] == "- glue: Sticks together.\n- sand, paper: Smooth."


def test_prose_is_unwrapped_while_code_and_lists_keep_their_lines() -> None:
    text = "One line\nand another.\n\n    x = 1\n    y = 2\n\n- a\n- b\n\n| a | b |\n| 1 | 2 |"
    assert found(text)["description"] == text.replace("line\nand", "line and")


def test_a_wrapped_role_at_the_margin_is_no_field() -> None:
    assert found("Return the\n:class:`Select` again.")["description"] == "Return the `Select` again."


def test_citations_are_left_out() -> None:
    text = f"{NUMPY}\nReferences\n----------\n.. [1] Knuth.\n"
    assert found(text) == found(NUMPY)


@pytest.mark.parametrize("text", ["Draw %(what)s now.", "Save a {{klass}}."])
def test_a_section_with_a_placeholder_is_left_out(text: str) -> None:
    assert parse_sections(text) == []


@pytest.mark.parametrize(
    "text", ["", "  \n ", "Args:\n", "Returns:\n\n:", "Parameters\n----------\n", ":param:", "Args:\n    x"]
)
def test_odd_docstrings_are_no_error(text: str) -> None:
    parse_sections(text)


@settings(deadline=None, max_examples=40)
@given(st.text(st.sampled_from("aB :.-`~\n_<>[]()%{}*#>|1"), max_size=80))
def test_no_text_is_an_error(text: str) -> None:
    for section in parse_sections(text):
        assert section.text.strip()


pieces = st.lists(
    st.sampled_from(
        ["Args:", "Returns:", "Raises:", "    x: y", "    x", ":param x: y", "Notes\n-----", "a", "", "Yields:"]
    )
)


@settings(deadline=None, max_examples=40)
@given(pieces)
def test_no_mixture_of_styles_is_an_error(lines: list[str]) -> None:
    parse_sections("\n".join(lines))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(st.characters(categories=["Ll"]), min_size=1), min_size=1))
def test_no_word_of_plain_prose_is_lost(words: list[str]) -> None:
    assert found("\n".join(words))["description"].split() == words


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Uses :class:`~numpy.ndarray` here.", "Uses `ndarray` here."),
        ("Uses :py:func:`numpy.dot` here.", "Uses `numpy.dot` here."),
        ("See :ref:`the guide <user_guide>`.", "See `the guide`."),
        ("Pass ``None`` here.", "Pass `None` here."),
        ("See `the site <https://example.org>`_.", "See the site."),
        ("Shown in [1]_ and [Knuth68]_.", "Shown in and."),
        ("For example::", "For example:"),
        ("A [`~transformers.Trainer`] or a [`Model`].", "A `transformers.Trainer` or a `Model`."),
        (".. versionadded:: 1.2", "Added in version 1.2"),
        (".. note:: Mind it.", "Note: Mind it."),
        (".. code-block:: python\n\n    x = 1", "    x = 1"),
        ("<Tip>\n\nMind it.\n\n</Tip>", "Mind it."),
        (">>> f()  # doctest: +SKIP", ">>> f()"),
        ("a[`x`](y) and b::c and `x`", "a[`x`](y) and b::c and `x`"),
    ],
)
def test_marks_become_what_a_reader_sees(written: str, read: str) -> None:
    assert strip_markup(written).strip("\n") == read


@settings(deadline=None)
@given(st.text(st.sampled_from("aB1 .,\n()[]=")))
def test_text_without_marks_stays_as_it_is(text: str) -> None:
    assert strip_markup(text) == text
