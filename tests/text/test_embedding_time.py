"""The estimate of the embedding time, by a clock that only the embedder moves."""

from typing import Any

import numpy as np
import pytest

from m2m.text import embedding_time
from m2m.text.embedding_time import estimate_embedding_seconds


class SlowEmbedder:
    """A batch takes a second per thousand squared words of its longest text."""

    max_seq_length = 1000

    def __init__(self) -> None:
        self.clock = 0.0

    def tokenizer(self, texts: list[str], truncation: bool, max_length: int) -> dict[str, list[list[int]]]:
        return {"input_ids": [[0] * len(text.split()) for text in texts]}

    def encode(self, texts: list[str], **settings: Any) -> Any:
        import torch

        self.clock += self.cost(texts)
        return torch.ones(len(texts), 2)

    def cost(self, texts: list[str]) -> float:
        return max(len(text.split()) for text in texts) ** 2 / 1000


@pytest.mark.parametrize("rows", [1, 30, 3000])
def test_the_estimate_is_within_thirty_percent_where_lengths_are_mixed(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = SlowEmbedder()
    monkeypatch.setattr(embedding_time.time, "monotonic", lambda: embedder.clock)
    lengths = np.random.default_rng(1).lognormal(3, 1, rows).astype(int) + 1
    texts = ["word " * length for length in lengths]
    ordered = sorted(texts, key=len)
    true = sum(embedder.cost(ordered[start : start + 16]) for start in range(0, rows, 16))
    assert estimate_embedding_seconds(embedder, texts, 16) == pytest.approx(true, rel=0.3)


def test_no_texts_take_no_time() -> None:
    assert estimate_embedding_seconds(SlowEmbedder(), [], 16) == 0.0
