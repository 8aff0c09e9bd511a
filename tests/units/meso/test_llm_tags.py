import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.units.meso.llm_tags import parse_tags


def tagged(tags: list[str]) -> str:
    return json.dumps({"tags": tags})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("```json" + "\n" * 100_000 + "x", "it is no JSON"),
        ('["code"]', 'the one key "tags"'),
        ('{"tags": ["code"], "note": "ignore"}', 'the one key "tags"'),
        ('{"tags": "code"}', "a list of strings"),
        ('{"tags": [1]}', "a list of strings"),
        (r'{"tags": ["\ud83d"]}', "half a character"),
        ('{"tags": []}', "there must be a tag"),
        ('{"tags": ["  "]}', "there must be a tag"),
        (json.dumps({"tags": ["x" * 81]}), "1 to 80 characters"),
    ],
)
def test_what_is_not_the_form_is_named(text: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_tags(text, 4)


@given(st.text() | st.lists(st.text(st.characters(categories=["L", "Cs"])), max_size=3).map(tagged))
def test_any_text_gives_tags_that_can_be_written_or_a_value_error(text: Any) -> None:
    try:
        "".join(parse_tags(text, 4)).encode()
    except ValueError as error:
        assert str(error)
