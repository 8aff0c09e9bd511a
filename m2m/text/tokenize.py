"""Texts → flat arrays of token numbers, by a tokenizer or by white space."""

from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, Int64
from tokenizers import Tokenizer

AT_ONCE = 4096  # texts: more at once only hold more memory


class Tokenized(NamedTuple):
    """Row r is `tokens[offsets[r]:offsets[r + 1]]`; `names` and `texts` are indexed by token number."""

    tokens: Int32[np.ndarray, "tokens"]
    offsets: Int64[np.ndarray, "rows+1"]
    names: list[str]  # the tokenizer's own spelling, unique
    texts: list[str]  # as a person reads it


def load_saved(folder: Path) -> Any:
    """The tokenizer that `base` saved in `folder`, as `tokenizers` object; without loading transformers for seconds."""
    return _plain(Tokenizer.from_file(str(folder / "tokenizer.json")))


def load_fast(name: str) -> Any:
    """That of any folder, or of a hub id ("id@commit" pins it), as transformers reads it; OSError without one."""
    from transformers import AutoTokenizer

    place, _, revision = (name, "", "") if Path(name).is_dir() else name.partition("@")
    try:
        found = AutoTokenizer.from_pretrained(place, revision=revision or "main", trust_remote_code=False)
        return _plain(found.backend_tokenizer)
    except Exception as error:  # the hub's own errors have no common parent
        raise OSError(
            f"the tokenizer {name!r} could not be loaded from this disk or from the Hugging Face hub: "
            "check the name and the network, or set band.tokenizer to 'base'"
        ) from error


def tokenize(tokenizer: Any, texts: list[str]) -> Tokenized:
    """No special tokens, no truncation."""
    parts = [_encoded(tokenizer, texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)]
    offsets = np.concatenate([np.zeros(1, np.int64), *(lengths for _, lengths in parts)]).cumsum()
    tokens = np.concatenate([np.zeros(0, np.int32), *(found for found, _ in parts)])
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    names = [tokenizer.id_to_token(number) or f"<{number}>" for number in range(size)]
    readable = tokenizer.decode_batch([[number] for number in range(size)], skip_special_tokens=False)
    return Tokenized(tokens, offsets, names, readable)


def tokenize_units(name: str, base: Path, texts: list[str]) -> Tokenized:
    """Tokens as units are made of them: `name` is "words", "base" (the tokenizer in `base`), or a folder or hub id."""
    return (
        split_words(texts)
        if name == "words"
        else tokenize(load_saved(base) if name == "base" else load_fast(name), texts)
    )


def split_words(texts: list[str]) -> Tokenized:
    """What stands between white space, numbered in alphabetical order."""
    lists = [text.split() for text in texts]
    names = sorted({word for found in lists for word in found})
    number = {word: at for at, word in enumerate(names)}
    tokens, lengths = _flat([[number[word] for word in found] for found in lists])
    return Tokenized(tokens, np.append(0, lengths.cumsum()), names, names)


def count_types(found: Tokenized, types: list[str]) -> int:
    """How many of the tokens are of these types, by name."""
    wanted = set(types)
    return int(np.fromiter((name in wanted for name in found.names), bool, len(found.names))[found.tokens].sum())


def _plain(tokenizer: Any) -> Any:
    """It reads whole texts, and a special token that a text spells out is text to it."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _encoded(tokenizer: Any, texts: list[str]) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows"]]:
    return _flat([encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)])


def _flat(lists: list[list[int]]) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows"]]:
    """All numbers in one array, and how many each list has."""
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    return np.fromiter(chain.from_iterable(lists), np.int32, lengths.sum()), lengths
