"""An endpoint's key: read from the environment, and taken out of every text that a server sends."""

import os
import re
from functools import cache

from m2m.llm.client.request import Endpoint, check_endpoint

PLAIN_NAME = re.compile(r"[A-Z]+(_[A-Z]+)+")
SHORTEST_SECRET = 8  # characters; what a server without secrets is given, such as EMPTY, may stand in an answer
REDACTED = "***"


def read_key(endpoint: Endpoint) -> str:
    """The key, from the environment alone. ValueError where it is not set, or where the URL is invalid or secret."""
    check_endpoint(endpoint)
    if not endpoint.key:
        return ""
    if not os.environ.get(endpoint.key):
        name = f" {endpoint.key}" if PLAIN_NAME.fullmatch(endpoint.key) else ""  # any other may be the key itself
        raise ValueError(
            f"endpoint.key names the environment variable{name}, which is not set: export it, "
            'or set endpoint.key to "" for a server that needs no key'
        )
    key = os.environ[endpoint.key]
    if any(not "!" <= sign <= "~" for sign in key):  # an error of the transport would quote it
        raise ValueError(
            f"the key in {endpoint.key} must be printable ASCII without blanks or line ends: export it without them"
        )
    return key


def hide_key(text: str, key: str) -> str:
    """`text` without the key, however it is spelled there: a reply that quotes it is kept and shown."""
    return spell_key(key).sub(REDACTED, text) if len(key) >= SHORTEST_SECRET else text


@cache
def spell_key(key: str) -> re.Pattern[str]:
    r"""The key in every spelling: as it is, as JSON in any number of layers, in a URL, in HTML, in Python's quotes.

    >>> spell_key("sk+1").sub("***", r'sk+1 sk\u002B1 sk%2b1 sk&#43;1 \"sk+1\" sk-1')
    '*** *** *** *** \\"***\\" sk-1'
    """
    signs = [
        rf"(?:{sign}|\\+u{ord(sign):04x})"
        if sign.isalnum()
        else rf"(?:\\+u{ord(sign):04x}|%{ord(sign):02x}|&#?\w+;|\\*{re.escape(sign)})"
        for sign in key
    ]
    return re.compile("".join(signs), re.IGNORECASE)
