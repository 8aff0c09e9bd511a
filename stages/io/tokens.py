"""Texts → flat arrays of token numbers, by a tokenizer or by white space."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, Int64


class Tokenized(NamedTuple):
    """Row r is `tokens[offsets[r]:offsets[r + 1]]`; `names` and `texts` are indexed by token number."""

    tokens: Int32[np.ndarray, "tokens"]
    offsets: Int64[np.ndarray, "rows+1"]
    names: list[str]  # the tokenizer's own spelling, unique
    texts: list[str]  # as a person reads it


def load_fast(name: str) -> Any:
    """The tokenizer of a folder or hub id, as the `tokenizers` object; OSError where there is none."""
    from transformers import AutoTokenizer

    try:
        fast = AutoTokenizer.from_pretrained(name, trust_remote_code=False).backend_tokenizer
    except Exception as error:  # the hub's own errors have no common parent
        raise OSError(
            f"the tokenizer {name!r} could not be loaded from this disk or from the Hugging Face hub: "
            "check the name and the network, or set band.tokenizer to 'base'"
        ) from error
    fast.encode_special_tokens = True  # a special token that a text spells out is text
    return fast


def tokenize(tokenizer: Any, texts: list[str]) -> Tokenized:
    """No special tokens, no truncation."""
    lists = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    names = [tokenizer.id_to_token(number) or f"<{number}>" for number in range(size)]
    return Tokenized(
        *_flat(lists), names, [tokenizer.decode([number], skip_special_tokens=False) for number in range(size)]
    )


def words(texts: list[str]) -> Tokenized:
    """What stands between white space, numbered in alphabetical order."""
    lists = [text.split() for text in texts]
    names = sorted({word for found in lists for word in found})
    number = {word: at for at, word in enumerate(names)}
    return Tokenized(*_flat([[number[word] for word in found] for found in lists]), names, names)


def _flat(lists: list[list[int]]) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows+1"]]:
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in lists], dtype=np.int64)]).astype(np.int64)
    tokens = np.empty(offsets[-1], np.int32)
    for at, ids in enumerate(lists):
        tokens[offsets[at] : offsets[at + 1]] = ids
    return tokens, offsets
