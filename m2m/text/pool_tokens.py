"""Tokenizes whole pools by gigatoken where it gives the tokens of Hugging Face's tokenizers, and by those elsewhere."""

import json
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64

from m2m.text.tokenize import Tokenized, list_control_tokens, tokenize

FEWEST_TEXTS = 2_000  # fewer are tokenized sooner than gigatoken is loaded
COMPARED_TEXTS = 500


def tokenize_pool(tokenizer: Any, texts: list[str]) -> Tokenized:
    """What `tokenize` gives, in a fraction of the time.

    gigatoken reads byte-level BPE and SentencePiece's BPE, and refuses other tokenizers. Its tokens of 500 texts are
    compared with those of `tokenize`. Where one differs, `tokenize` does all texts.
    """
    if len(texts) < FEWEST_TEXTS:
        return tokenize(tokenizer, texts)
    compared = texts[:: len(texts) // COMPARED_TEXTS]
    expected = tokenize(tokenizer, compared)
    fast = load_gigatoken(tokenizer)
    if fast is None or not _is_equal(expected, *encode_all(fast, compared)):
        return tokenize(tokenizer, texts)
    tokens, offsets = encode_all(fast, texts)
    return expected._replace(tokens=tokens, offsets=offsets)


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
