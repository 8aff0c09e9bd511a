"""Mutates bytes and JSON values the way files are damaged, servers misbehave and people are hostile; seeded."""

import json
import random
from typing import Any

TOKENS = (
    b"\0", b"\x1b[2J", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28", b"\xed\xa0\x80", b"\\ud800", b'"', b"\\", b"\r",
    b"\n", b",", b"{", b"[", b"]", b"}", b"NaN", b"1e999", b"-", b"null", "\u202e".encode(), b"[" * 3000,
    b"9" * 400, b"A" * 5000, b"=1+1", b"<script>", b"[[A>>B]]", b"'", b":", b"\t", b"\x1a",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, -(2**63), 1.5, float("nan"), float("inf"), "", " ", "\0", "\ud800", "\u202e",
    "x" * 3000, "1", "NaN", [], {}, [[]], {"a": None}, ["a", 1, None], "\x1b[31m", [[[[[]]]]], {"": {"": ""}},
)  # fmt: skip


def damage_bytes(rng: random.Random, data: bytes, is_line: bool = False) -> bytes:
    """`data` with one to four faults; a line gets no line break."""
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        end = min(len(data), place + rng.choice((1, 1, 4, 64)))
        fault = rng.randrange(5)
        if fault == 0:
            data = data[:place] + bytes(rng.randrange(256) for _ in range(end - place)) + data[end:]
        elif fault == 1:
            data = data[:place] + rng.choice(TOKENS) + data[place:]
        elif fault == 2:
            data = data[:place] + data[end:]
        elif fault == 3:
            data = data[:place] + data[place:end] * rng.randint(2, 20) + data[end:]
        else:
            data = data[:place] if rng.random() < 0.3 else data
    return data.replace(b"\n", b" ").replace(b"\r", b" ") if is_line else data


def damage_value(rng: random.Random, value: Any, depth: int = 0) -> Any:
    """A JSON value with one node replaced, removed, renamed or doubled."""
    if depth > 6 or not isinstance(value, dict | list) or not value or rng.random() < 0.15:
        return rng.choice(VALUES)
    if isinstance(value, list):
        place = rng.randrange(len(value))
        changed = [damage_value(rng, value[place], depth + 1)] * rng.choice((0, 1, 1, 1, 2))
        return [*value[:place], *changed, *value[place + 1 :]]
    name = rng.choice(list(value))
    rest = {key: inner for key, inner in value.items() if key != name}
    fault = rng.randrange(5)
    if fault == 0:
        return rest
    if fault == 1:
        return rest | {rng.choice(("", name.upper(), f" {name}", f"{name}\x1b", "\ud800", "x" * 300)): value[name]}
    return value | {name: damage_value(rng, value[name], depth + 1)}


def write_json(value: Any) -> bytes:
    """As a careless program writes it: NaN, infinities and half surrogates included."""
    return json.dumps(value).encode()
