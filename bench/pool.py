"""The development pool as arrays: its texts, and their tokens by Llama-2's and GPT-2's tokenizers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

WINDOW = (50, 200)  # response tokens: 47,381 of the 123,382 rows
EVERY = (1, 100_000)
TOKENS = 800_000  # a token budget worth about 10,000 random rows


class Spelt(NamedTuple):
    """Row r is `tokens[offsets[r] : offsets[r + 1]]`."""

    tokens: np.ndarray
    offsets: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)


def read_pool(shared: Path) -> pl.DataFrame:
    """id, instruction and response, sorted by id."""
    return pl.read_parquet(shared / "sft_pool.parquet", columns=["id", "instruction", "response"]).sort("id")


def llama2(shared: Path, texts: list[str]) -> Spelt:
    """No special tokens."""
    from sentencepiece import SentencePieceProcessor

    model = SentencePieceProcessor(model_file=str(shared / "tokenizers/llama2/tokenizer.model"))
    return spelt(model.encode(texts))


def gpt2(shared: Path, texts: list[str]) -> Spelt:
    """No special tokens."""
    from tokenizers import ByteLevelBPETokenizer

    folder = shared / "tokenizers/gpt2"
    model = ByteLevelBPETokenizer(str(folder / "encoder.json"), str(folder / "vocab.bpe"))
    return spelt([encoding.ids for encoding in model.encode_batch(texts)])


def spelt(lists: list[list[int]]) -> Spelt:
    offsets = np.append(0, np.cumsum([len(tokens) for tokens in lists])).astype(np.int64)
    return Spelt(np.fromiter((token for tokens in lists for token in tokens), np.int32, offsets[-1]), offsets)
