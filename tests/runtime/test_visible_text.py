"""Text of others: nothing of it is markup, a link, a control or a turn of direction where it is shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.runtime.visible_text import escape_markdown, make_visible, quote_value

HOSTILE = {
    "[a](javascript:alert(1))": "\\[a\\](javascript:alert(1))",
    "![x](http://e.org/p.png)": "\\!\\[x\\](http:&#47;/e.org/p.png)",
    "see https://e.org": "see https:&#47;/e.org",
    "www.e.org": "www&#46;e.org",
    "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)&gt;",
    "a | b\n| c": "a \\| b \\| c",
    "# title": "\\# title",
    "`code` **bold** _it_ snake_case": "\\`code\\` \\*\\*bold\\*\\* \\_it\\_ snake_case",
    "&lt;": "&amp;lt;",
    "me@e.org, mailto:a.b+c@e_.org": "me@<!-- -->e.org, mailto:a.b+c@<!-- -->e\\_.org",
    "me@www.e.org": "me@<!-- -->www&#46;e.org",
    "mailto:@e.org xmpp:a@b/c.d": "mailto:@<!-- -->e.org xmpp:a@<!-- -->b/c.d",
    "owner/name@0a1b, @me, 5 @ 3.5": "owner/name@0a1b, @me, 5 @ 3.5",
    "a\x1b[31m": "a\\[U+001B\\]\\[31m",
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items())
def test_hostile_text_in_markdown_is_only_text(text: str, shown: str) -> None:
    assert escape_markdown(text) == shown


IGNORABLE = (0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x3164, 0xFE00, 0xFE0E, 0xFE0F, 0xFFA0)


@pytest.mark.parametrize("code", [*IGNORABLE, 0xFFF0, 0x1BCA0, 0x1D173, 0xE0001, 0xE0100, 0xE01EF])
def test_a_character_of_no_width_is_spelled_out(code: int) -> None:
    text = f"a{chr(code)}b"
    assert make_visible(text) == f"a[U+{code:04X}]b"
    assert chr(code) not in quote_value(text) + escape_markdown(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("❤️ ☀️ 🏳️‍🌈 1️⃣ ©️", "❤️ ☀️ 🏳️‍🌈 1️⃣ ©️"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f[U+FE0F]"),
        ("e\u0301 \u0915\u094d\u200d\u0937 👩\u200d🔬", "e\u0301 \u0915\u094d\u200d\u0937 👩\u200d🔬"),
    ],
)
def test_emoji_accents_and_joiners_stay(text: str, shown: str) -> None:
    assert make_visible(text) == shown


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40))
def test_what_is_shown_has_no_control_and_no_direction_character(text: str) -> None:
    for shown in (make_visible(text), quote_value(text), escape_markdown(text)):
        assert not any(ord(sign) < 32 and sign not in "\t\n" for sign in shown)
        assert not set(shown) & set("\x7f\x9b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert "\n" not in quote_value(text) and len(quote_value(text)) <= 61


@settings(deadline=None, max_examples=100)
@given(st.text("ab_*[]()<>|`#! \\@.", max_size=20))
def test_a_markdown_parser_shows_the_text_itself(text: str) -> None:
    markdown = pytest.importorskip("markdown_it")
    html = markdown.MarkdownIt().render(f"x{escape_markdown(text)}x")
    plain = " ".join(f"x{text}x".split()) if text.split() else "xx"
    shown = html.removeprefix("<p>").rstrip().removesuffix("</p>").replace("<!-- -->", "")
    for mark, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        shown = shown.replace(mark, sign)
    assert "".join(shown.split()) == "".join(plain.split())
