"""A key comes from the environment alone, and stands in no error and no reply."""

import html
import json
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.llm.client.api_key import read_key, spell_key
from tests.llm_server import HERE


def test_a_key_that_is_not_set_and_a_url_that_holds_one_are_told_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(ValueError, match="variable NO_SUCH_KEY, which is not set: export it, or set"):
        read_key(replace(HERE, url="http://x/v1", key="NO_SUCH_KEY"))
    with pytest.raises(ValueError, match="key must be the name of an environment variable") as told:
        read_key(replace(HERE, url="http://x/v1", key="sk-secret"))
    assert "secret" not in str(told.value)
    for url in ("http://me:secret@x/v1", "localhost:8000/v1"):
        with pytest.raises(ValueError, match="url must begin with http:// or https:// and contain no") as error:
            read_key(replace(HERE, url=url))
        assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["sk-very-secret\n", "sk-very secret", "sk-v\u00e9ry-secret", "sk-very-secret\t"])
def test_a_key_that_no_header_can_hold_is_refused_without_a_word_of_it(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(ValueError, match="the key in MY_KEY must be printable ASCII") as error:
        read_key(replace(HERE, url="http://x/v1", key="MY_KEY"))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("typed", ["hf_AbcDefSecret", "AKIASECRETSECRET7X", "sk_live_secret", "secret"])
def test_a_key_in_place_of_its_variables_name_is_in_no_word_of_the_error(typed: str) -> None:
    with pytest.raises(ValueError, match="environment variable, which is not set") as error:
        read_key(replace(HERE, url="http://x/v1", key=typed))
    assert typed not in str(error.value)


def test_a_key_in_the_query_of_a_url_is_refused() -> None:
    with pytest.raises(ValueError, match="no name, password or query") as error:
        read_key(replace(HERE, url="http://x/v1?key=secret"))
    assert "secret" not in str(error.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40), st.integers(0, 3))
def test_no_spelling_of_a_key_is_kept(key: str, layers: int) -> None:
    for spelling in (key, repr(key), f"{key!r}"[1:-1], html.escape(key), quote(key, safe=""), key.upper(), key.lower()):
        text = spelling
        for _ in range(layers):
            text = json.dumps(text)
        assert spell_key(key).sub("***", f"say {text}!").strip("say !'\"\\") == "***"
    points = "".join(f"\\u{ord(sign):04X}" for sign in key)
    assert spell_key(key).sub("***", points) == "***"
