"""The page's frame: text is escaped, numbers are written as asked, and the policy names the script's own hash."""

import base64
import hashlib
import re
from pathlib import Path

import jinja2
import pytest

from m2m.study.report.html_page import format_value, render_page


def room(tmp_path: Path, body: str) -> Path:
    (tmp_path / "small.html").write_text(f"<p>{body}</p><script>{{{{ script }}}}</script>{{{{ script_hash }}}}")
    (tmp_path / "small.css").write_text("p { color: red }")
    (tmp_path / "small.js").write_text("const one = 1 < 2;\n")
    return tmp_path


def test_text_is_escaped_and_the_pages_own_script_is_not(tmp_path: Path) -> None:
    text = render_page(room(tmp_path, "{{ said }}"), "small", {"said": "<b>&'\""})
    assert "<p>&lt;b&gt;&amp;&#39;&#34;</p>" in text and "<script>const one = 1 < 2;\n</script>" in text


def test_text_in_json_cannot_end_its_element(tmp_path: Path) -> None:
    text = render_page(room(tmp_path, "{{ said|tojson }}"), "small", {"said": "</script><!--"})
    assert '<p>"\\u003c/script\\u003e\\u003c!--"</p>' in text


def test_the_hash_is_that_of_the_script_as_it_stands(tmp_path: Path) -> None:
    text = render_page(room(tmp_path, ""), "small", {})
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    assert text.endswith("sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())


def test_what_is_not_told_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'said' is undefined"):
        render_page(room(tmp_path, "{{ said }}"), "small", {})


def test_numbers_have_their_format_and_a_missing_value_is_a_dash() -> None:
    values = [(1234.5, ",.0f"), (-0.5, "+.2f"), (None, ".2f"), ("1e-5", ""), (0.61, ".3f")]
    assert [format_value(*value) for value in values] == ["1,234", "−0.50", "–", "1e-5", "0.610"]  # type: ignore[arg-type]
