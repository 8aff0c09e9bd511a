import math
from pathlib import Path
from typing import Any

import pytest
import torch

from m2m.training.pretrain import measure_bits_per_byte, measure_gzip_bits, pack_blocks, pretrain

pytestmark = pytest.mark.filterwarnings("default")  # mlflow and transformers warn of each other


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_pretraining_learns_what_it_reads(llama: Any, tokenizer: Any, tmp_path: Path) -> None:
    texts = ["the sum of the rows is the sum of the rows"] * 200
    before = measure_bits_per_byte(llama, tokenizer, texts, 32)
    rows = pack_blocks(tokenizer, texts, 32)
    losses = pretrain(llama, rows, tmp_path / "model", seed=1, batch_size=4, learning_rate=0.02)
    assert measure_bits_per_byte(llama, tokenizer, texts, 32) < before / 2
    assert losses[-1].loss < math.log(len(tokenizer)) / 2


def test_on_a_machine_of_four_gpus_a_batch_is_as_large_and_there_are_as_many_steps(
    llama: Any, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import TrainingArguments

    begun = TrainingArguments.__post_init__

    def begin(settings: Any) -> None:
        begun(settings)
        settings._n_gpu = 4

    monkeypatch.setattr(TrainingArguments, "__post_init__", begin)
    rows = pack_blocks(tokenizer, ["the sum of the rows"] * 400, 32)[:80]
    losses = pretrain(llama, rows, tmp_path / "model", seed=1, batch_size=2, learning_rate=0.02)
    assert [loss.step for loss in losses] == [20, 40]


def test_blocks_lose_only_the_tail_and_begin_with_an_end_token(tokenizer: Any) -> None:
    texts = ["the mean", "a list of names"]
    stream = [i for text in texts for i in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]]
    rows = pack_blocks(tokenizer, texts, 5)
    assert all(row[0] == tokenizer.eos_token_id and len(row) == 5 for row in rows)
    assert [i for row in rows for i in row[1:]] == stream[: len(rows) * 4]
    assert len(stream) - len(rows) * 4 < 4


def test_bits_a_byte_of_a_uniform_model_are_those_of_its_vocabulary(llama: Any, tokenizer: Any) -> None:
    with torch.no_grad():
        llama.lm_head.weight.zero_()
    texts = ["returns the mean of the rows"] * 20
    rows = pack_blocks(tokenizer, texts, 8)
    kept = sum(len(tokenizer.decode(row[1:], skip_special_tokens=True).encode()) for row in rows)
    expected = len(rows) * 7 * math.log2(len(tokenizer)) / kept
    assert measure_bits_per_byte(llama, tokenizer, texts, 8) == pytest.approx(expected)


def test_gzip_needs_few_bits_for_what_repeats() -> None:
    assert measure_gzip_bits(["abc" * 100] * 50) < 0.2 < measure_gzip_bits(["a quick brown fox"])
