"""Pools are tokenized as texts are, whoever does it."""

import pickle
import random
from typing import Any

import numpy as np
import polars as pl
import pytest
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from m2m.text import pool_tokens
from m2m.text.pool_tokens import FEWEST_TEXTS, build_encoder, load_gigatoken, tokenize_pool
from m2m.text.tokenize import split_added_tokens, tokenize

SIGNS = (
    "a", "B", " ", "  ", "\n", "\t", "\r\n", "é", "e\u0301", "ﬁ", "中", "ไท", "א", "😀", "👨\u200d👩", "\u200b",
    "\ufeff", "\u00a0", "0", "12", "...", "'s", "’t", "the", "<s>", "</s>", "<|end|>", "<0x0A>", "▁", "Ġ", "\x00", "नि",
)  # fmt: skip
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
RNG = random.Random(1)
TEXTS = ["", " ", *("".join(RNG.choices(SIGNS, k=RNG.randint(1, 12))) for _ in range(FEWEST_TEXTS))]


def train(pre_tokenizer: Any, model: Any = None, trainer: Any = None, normalizer: Any = None) -> Tokenizer:
    """With a control token, an added word and an added run of blanks."""
    tokenizer = Tokenizer(model or models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    letters = pre_tokenizers.ByteLevel.alphabet()
    settings: dict[str, Any] = {"vocab_size": 600, "initial_alphabet": letters, "show_progress": False}
    tokenizer.train_from_iterator(TEXTS[:600], trainer or trainers.BpeTrainer(**settings))
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.add_tokens(["the", AddedToken("   ", normalized=False)])
    return split_added_tokens(tokenizer)


BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False)
SPLIT = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
)
READ = {"GPT-2's form": BYTES, "Llama-3's form": SPLIT}


@pytest.mark.parametrize("name", READ)
def test_gigatoken_gives_the_same_tokens_of_odd_texts_and_control_tokens_stay_text(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = train(READ[name])
    expected = tokenize(tokenizer, TEXTS)
    assert load_gigatoken(tokenizer) is not None
    monkeypatch.setattr(pool_tokens, "tokenize", lambda tokenizer, texts: tokenize(tokenizer, texts[:600]))
    got = tokenize_pool(tokenizer, TEXTS)
    assert np.array_equal(got.tokens, expected.tokens) and np.array_equal(got.offsets, expected.offsets)
    assert (got.names, got.texts) == (expected.names, expected.texts)
    assert (got.tokens.dtype, got.offsets.dtype) == (expected.tokens.dtype, expected.offsets.dtype)
    assert tokenizer.token_to_id("<|end|>") not in got.tokens


@pytest.mark.parametrize(
    "tokenizer",
    [
        train(BYTES, normalizer=normalizers.Lowercase()),
        train(
            pre_tokenizers.Whitespace(),
            models.WordPiece(unk_token="[UNK]"),
            trainers.WordPieceTrainer(special_tokens=["[UNK]"], show_progress=False),
        ),
    ],
    ids=["a normalizer", "WordPiece"],
)
def test_a_tokenizer_that_gigatoken_cannot_read_is_hugging_faces(tokenizer: Any) -> None:
    assert load_gigatoken(tokenizer) is None
    assert np.array_equal(tokenize_pool(tokenizer, TEXTS).tokens, tokenize(tokenizer, TEXTS).tokens)


def test_tokens_that_differ_in_one_compared_text_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = train(BYTES)
    expected = tokenize(tokenizer, TEXTS)
    real = pool_tokens.encode_all

    def change_last(fast: Any, texts: list[str]) -> Any:
        tokens, offsets = real(fast, texts)
        tokens[-1] += 1
        return tokens, offsets

    monkeypatch.setattr(pool_tokens, "encode_all", change_last)
    assert np.array_equal(tokenize_pool(tokenizer, TEXTS).tokens, expected.tokens)


def test_slices_and_a_column_change_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = train(BYTES)
    whole = tokenize_pool(tokenizer, TEXTS)
    monkeypatch.setattr(pool_tokens, "SLICE_TEXTS", 300)
    sliced = tokenize_pool(tokenizer, pl.Series(TEXTS))
    assert np.array_equal(whole.tokens, sliced.tokens) and np.array_equal(whole.offsets, sliced.offsets)
    assert (whole.names, whole.texts) == (sliced.names, sliced.texts)


def test_an_encoder_that_was_sent_to_another_process_still_reads_control_tokens_as_text() -> None:
    for normalizer in (None, normalizers.Lowercase()):  # gigatoken refuses the second
        tokenizer = train(BYTES, normalizer=normalizer)
        encoder = pickle.loads(pickle.dumps(build_encoder(tokenizer, TEXTS[:500], len(TEXTS))))
        expected = tokenize(tokenizer, TEXTS[-300:])
        tokens, offsets = encoder.encode(TEXTS[-300:])
        assert np.array_equal(tokens, expected.tokens) and np.array_equal(offsets, expected.offsets)


def test_few_texts_load_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_tokens, "load_gigatoken", lambda tokenizer: pytest.fail("loaded"))
    assert len(tokenize_pool(train(BYTES), TEXTS[: FEWEST_TEXTS - 1]).offsets) == FEWEST_TEXTS
