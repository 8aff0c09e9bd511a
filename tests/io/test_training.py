import math

import pytest
import torch

from stages.io.finetuning import finetune
from stages.io.pretraining import bits_per_byte, blocks, gzip_bits_per_byte, pretrain

pytestmark = pytest.mark.filterwarnings("default")  # trl, mlflow and transformers warn of each other
PARAMS = {
    "params": {},
    "name": "candidate",
    "seed": 1,
    "epochs": 1,
    "batch_size": 2,
    "learning_rate": 0.01,
    "warmup_share": 0.1,
}
ROWS = [([5, 6], [7, 8, 0]), ([9], [10, 0]), ([5], [6, 7, 8, 9, 0])]


@pytest.fixture(autouse=True)
def _store(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_first_loss_is_the_likelihood_of_the_completions_alone(llama, tokenizer, tmp_path):
    rows = ROWS[:2]
    with torch.no_grad():
        nats = [
            -llama(torch.tensor([prompt + completion])).logits[0].log_softmax(-1)[len(prompt) - 1 + at, token]
            for prompt, completion in rows
            for at, token in enumerate(completion)
        ]
    [first] = finetune(llama, tokenizer, rows, tmp_path / "model", **PARAMS | {"batch_size": 2})[:1]
    assert first.loss == pytest.approx(float(torch.stack(nats).mean()), abs=1e-3)


def test_equal_seeds_give_equal_bytes_and_no_pickle_is_left(tokenizer, tmp_path):
    from stages.io.pretraining import new_model

    written = []
    for name in ("one", "two"):
        model = new_model(tokenizer, hidden_size=16, layers=1, heads=2, context=128, seed=1)
        finetune(model, tokenizer, ROWS, tmp_path / name, **PARAMS)
        written.append((tmp_path / name / "model.safetensors").read_bytes())
        assert {path.suffix for path in (tmp_path / name).iterdir()} == {".json", ".safetensors"}
    assert written[0] == written[1]


def test_pretraining_learns_what_it_reads(llama, tokenizer, tmp_path):
    texts = ["the sum of the rows is the sum of the rows"] * 200
    before = bits_per_byte(llama, tokenizer, texts, 32)
    rows = blocks(tokenizer, texts, 32)
    losses = pretrain(llama, rows, tmp_path / "model", seed=1, batch_size=4, learning_rate=0.02)
    assert bits_per_byte(llama, tokenizer, texts, 32) < before / 2
    assert losses[-1].loss < math.log(len(tokenizer)) / 2


def test_blocks_lose_only_the_tail_and_begin_with_an_end_token(tokenizer):
    texts = ["the mean", "a list of names"]
    stream = [i for text in texts for i in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]]
    rows = blocks(tokenizer, texts, 5)
    assert all(row[0] == tokenizer.eos_token_id and len(row) == 5 for row in rows)
    assert [i for row in rows for i in row[1:]] == stream[: len(rows) * 4]
    assert len(stream) - len(rows) * 4 < 4


def test_bits_a_byte_of_a_uniform_model_are_those_of_its_vocabulary(llama, tokenizer):
    with torch.no_grad():
        llama.lm_head.weight.zero_()
    texts = ["returns the mean of the rows"] * 20
    rows = blocks(tokenizer, texts, 8)
    kept = sum(len(tokenizer.decode(row[1:], skip_special_tokens=True).encode()) for row in rows)
    expected = len(rows) * 7 * math.log2(len(tokenizer)) / kept
    assert bits_per_byte(llama, tokenizer, texts, 8) == pytest.approx(expected)


def test_gzip_needs_few_bits_for_what_repeats():
    assert gzip_bits_per_byte(["abc" * 100] * 50) < 0.2 < gzip_bits_per_byte(["a quick brown fox"])
