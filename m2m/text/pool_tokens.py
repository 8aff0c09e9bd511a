"""Tokenizes whole pools by gigatoken where it gives the tokens of Hugging Face's tokenizers, and by those elsewhere."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Int32, Int64
from tokenizers import Tokenizer

from m2m.text.tokenize import (
    Tokenized,
    collect_words,
    encode_batch,
    list_control_tokens,
    number_text_words,
    split_added_tokens,
    tokenize,
)

Encode = Callable[[list[str]], tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "texts+1"]]]
SLICE_TEXTS = 65_536
FEWEST_TEXTS = 2_000  # fewer are tokenized sooner than gigatoken is loaded
COMPARED_TEXTS = 500


class Encoder(NamedTuple):
    """`encode` gives the tokens of texts and where each text begins; other processes can run it."""

    encode: Encode
    names: list[str]
    """of each token number, as in Tokenized"""
    texts: list[str]


def tokenize_pool(tokenizer: Any, texts: list[str] | pl.Series) -> Tokenized:
    """What `tokenize` gives, in a fraction of the time, of at most 65,536 texts at once."""
    if len(texts) < FEWEST_TEXTS:
        return tokenize(tokenizer, list(texts))
    encoder = build_encoder(tokenizer, list(texts[:: get_stride(len(texts))]), len(texts))
    slices = [encoder.encode(list(texts[start : start + SLICE_TEXTS])) for start in range(0, len(texts), SLICE_TEXTS)]
    lengths = np.concatenate([np.diff(offsets) for _, offsets in slices])
    tokens = np.concatenate([tokens for tokens, _ in slices])
    return Tokenized(tokens, np.append(0, lengths.cumsum()), encoder.names, encoder.texts)


def get_stride(texts: int) -> int:
    """Each how manieth of so many texts is compared."""
    return max(texts // COMPARED_TEXTS, 1)


def build_encoder(tokenizer: Any, compared: list[str], texts: int) -> Encoder:
    """gigatoken where it gives the tokens of `tokenizer` for the texts `compared`, else `tokenizer` itself.

    gigatoken reads byte-level BPE and SentencePiece's BPE, and refuses other tokenizers. `texts`: how many there are.
    """
    expected = tokenize(tokenizer, compared)
    is_fast = False
    if texts >= FEWEST_TEXTS:
        fast = load_gigatoken(tokenizer)
        is_fast = fast is not None and _is_equal(expected, *encode_all(fast, compared))
    return Encoder(partial(encode_texts, tokenizer.to_str(), is_fast), expected.names, expected.texts)


def build_word_encoder(slices: Iterable[list[str]]) -> Encoder:
    """Words between white space, numbered in alphabetical order, of all `slices` of the texts."""
    words: set[str] = set()
    for texts in slices:
        words |= collect_words(texts)
    names = sorted(words)
    return Encoder(partial(encode_text_words, {name: number for number, name in enumerate(names)}), names, names)


def encode_texts(
    settings: str, is_fast: bool, texts: list[str]
) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "texts+1"]]:
    """The tokens of all texts by the tokenizer of these `settings` (tokenizer.json), and where each text begins."""
    loaded = _load(settings, is_fast)
    if is_fast:
        return encode_all(loaded, texts)
    tokens, lengths = encode_batch(loaded, texts)
    return tokens, np.append(0, lengths.cumsum())


def encode_text_words(
    numbers: Mapping[str, int], texts: list[str]
) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "texts+1"]]:
    """The numbers of all words, and where each text begins."""
    tokens, lengths = number_text_words(numbers, texts)
    return tokens, np.append(0, lengths.cumsum())


@lru_cache(maxsize=2)
def _load(settings: str, is_fast: bool) -> Any:
    tokenizer = split_added_tokens(Tokenizer.from_str(settings))
    return load_gigatoken(tokenizer) if is_fast else tokenizer


def load_gigatoken(tokenizer: Any) -> Any:
    """A gigatoken of `tokenizer`, to which a control token spelled out in a text is text; None where it has no form."""
    from gigatoken import Tokenizer

    settings = json.loads(tokenizer.to_str())
    control = list_control_tokens(tokenizer)
    settings["added_tokens"] = [token for token in settings["added_tokens"] if token["id"] not in control]
    settings["post_processor"] = None  # it adds special tokens, which no pool has
    try:
        return Tokenizer.from_json(json.dumps(settings))
    except RuntimeError:  # its refusal
        return None


def encode_all(fast: Any, texts: list[str]) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "texts+1"]]:
    """The tokens of all texts, and where each text begins."""
    import awkward as ak

    encoded = fast.encode_batch(texts)
    lengths = ak.to_numpy(ak.num(encoded)).astype(np.int64)
    return ak.to_numpy(ak.flatten(encoded)).astype(np.int32), np.append(0, lengths.cumsum())


def _is_equal(expected: Tokenized, tokens: Int32[np.ndarray, "tokens"], offsets: Int64[np.ndarray, "texts+1"]) -> bool:
    return np.array_equal(expected.tokens, tokens) and np.array_equal(expected.offsets, offsets)
