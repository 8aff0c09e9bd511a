"""Tokenizes texts into flat arrays of token numbers, by a tokenizer or by white space."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, Int64
from tokenizers import Tokenizer

TEXTS_AT_ONCE = 4096  # texts; larger batches only take more memory
BLANKS = " \t\r\n▁"  # ▁ is a space in SentencePiece
# byte-level BPE spells printable bytes as they are, and the others by letters from U+0100 on
PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
HIDDEN = [byte for byte in range(0x100) if byte not in PRINTABLE]
SPELLED_BYTES = {chr(byte): byte for byte in PRINTABLE} | {chr(0x100 + i): byte for i, byte in enumerate(HIDDEN)}


class Tokenized(NamedTuple):
    """Row r is `tokens[offsets[r]:offsets[r + 1]]`; `names` and `texts` are indexed by token number."""

    tokens: Int32[np.ndarray, "tokens"]
    offsets: Int64[np.ndarray, "rows+1"]
    names: list[str]  # the tokenizer's own spelling, unique
    texts: list[str]  # decoded, each token alone


def load_saved(folder: Path) -> Any:
    """The tokenizer that `base` saved in `folder`, as a `tokenizers` object: importing transformers takes seconds."""
    return split_added_tokens(Tokenizer.from_file(str(folder / "tokenizer.json")))


def load_fast(name: str) -> Any:
    """The tokenizer in a folder, or of a hub id ("id@commit" pins it). OSError where there is none."""
    from transformers import AutoTokenizer

    source, _, revision = (name, "", "") if Path(name).is_dir() else name.partition("@")
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision or "main", trust_remote_code=False)
        return split_added_tokens(tokenizer.backend_tokenizer)
    except Exception as error:  # the hub's own errors have no common parent
        raise OSError(
            f"the tokenizer {name!r} could not be loaded from this disk or from the Hugging Face hub: "
            "check the name and the network, or set band.tokenizer to 'base'"
        ) from error


def list_control_tokens(tokenizer: Tokenizer) -> dict[int, str]:
    """Number and content of every added token that a text could spell out to a model's confusion.

    Beside the named special tokens these are <|start_header_id|>, <tool_call>, …; runs of blanks, which some
    vocabularies add, are text.
    """
    added = tokenizer.get_added_tokens_decoder()
    return {number: token.content for number, token in added.items() if token.content.strip(BLANKS)}


def split_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Set `tokenizer` to read text as data: whole texts, and a control token that a text spells out as its letters."""
    control = [tokenizer.get_added_tokens_decoder()[number] for number in list_control_tokens(tokenizer)]
    for token in control:
        token.special = True  # encode_special_tokens splits no other
    tokenizer.add_special_tokens(control)
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenize(tokenizer: Any, texts: list[str]) -> Tokenized:
    """No special tokens, no truncation."""
    batches = [
        encode_batch(tokenizer, texts[start : start + TEXTS_AT_ONCE]) for start in range(0, len(texts), TEXTS_AT_ONCE)
    ]
    offsets = np.concatenate([np.zeros(1, np.int64), *(lengths for _, lengths in batches)]).cumsum()
    tokens = np.concatenate([np.zeros(0, np.int32), *(numbers for numbers, _ in batches)])
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    names = [tokenizer.id_to_token(number) or f"<{number}>" for number in range(size)]
    decoded = tokenizer.decode_batch([[number] for number in range(size)], skip_special_tokens=False)
    return Tokenized(tokens, offsets, names, decoded)


def tokenize_units(name: str, base: Path, texts: list[str]) -> Tokenized:
    """The tokens that units are made of; `name` is "words", "base" (the tokenizer in `base`), a folder or a hub id."""
    if name == "words":
        return split_words(texts)
    return tokenize(load_saved(base) if name == "base" else load_fast(name), texts)


def split_words(texts: list[str]) -> Tokenized:
    """Words between white space, numbered in alphabetical order."""
    names = sorted(collect_words(texts))
    tokens, lengths = number_text_words({name: number for number, name in enumerate(names)}, texts)
    return Tokenized(tokens, np.append(0, lengths.cumsum()), names, names)


def collect_words(texts: list[str]) -> set[str]:
    """The words between white space."""
    return set(chain.from_iterable(text.split() for text in texts))


def number_text_words(
    numbers: Mapping[str, int], texts: list[str]
) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows"]]:
    """The numbers of all words of `texts`, and how many words each text has."""
    return _flatten([[numbers[word] for word in text.split()] for text in texts])


def list_types(tokenized: Tokenized) -> list[str]:
    """The names of the token types that occur."""
    return [tokenized.names[number] for number in np.unique(tokenized.tokens)]


def count_types(tokenized: Tokenized, types: list[str]) -> int:
    """How many of the tokens are of these types, by name."""
    names, selected = tokenized.names, set(types)
    return int(np.fromiter((name in selected for name in names), bool, len(names))[tokenized.tokens].sum())


def label_token(name: str, text: str) -> str:
    r"""A token for people, from its name and its decoded text: blanks are visible, bytes of a character hexadecimal.

    >>> label_token("Ġthe", " the"), label_token("ĊĊ", "\n\n"), label_token("âĤ", "�"), label_token("<0xE2>", "�")
    ('␣the', '\\n\\n', '\\xe2\\x82', '\\xe2')
    """
    if "\ufffd" in text:  # a part of a character decodes to this sign, as another part does
        if name.startswith("<0x"):
            text = f"\\x{name[3:5].lower()}"
        elif set(name) <= set(SPELLED_BYTES):
            text = bytes(SPELLED_BYTES[sign] for sign in name).decode("utf-8", "backslashreplace")
    visible = (sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
    return "".join(visible).replace(" ", "␣")


def encode_batch(tokenizer: Any, texts: list[str]) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows"]]:
    """The tokens of all texts, by a `tokenizers` object, and how many each text has."""
    return _flatten([encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)])


def _flatten(lists: list[list[int]]) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows"]]:
    """All numbers in one array, and how many each list has."""
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    return np.fromiter(chain.from_iterable(lists), np.int32, lengths.sum()), lengths
