"""Marks of reStructuredText and its relatives are shown as a reader would see them; code is left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.pool.docstring_sections import strip_markup


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
