"""Packed rows without a mask: the numbers of padded rows, each by itself, up to the kernel that needs a GPU."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from m2m.training.finetuning import varlen
from m2m.training.finetuning.collation import label_tokens, require_exact_packing
from m2m.training.finetuning.varlen import attend_rows, register_varlen
from tests.training.finetuning.test_finetune import ROWS, base, store, tuned  # noqa: F401  # fixtures

pytestmark = pytest.mark.filterwarnings("default")
SIZES: dict[str, Any] = {
    "vocab_size": 97, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 128, "use_cache": False,
}  # fmt: skip
LENGTHS = (9, 31, 1, 17)


@pytest.fixture(autouse=True)
def _registered(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    register_varlen("varlen", "exact", "float32")


def step(attention: str, packed: bool) -> tuple[float, dict[str, Any]]:
    """The loss of a micro-batch, and its gradients."""
    generator = torch.Generator().manual_seed(3)
    tokens = [torch.randint(3, 97, (size,), generator=generator).tolist() for size in LENGTHS]
    rows = [label_tokens((row[: len(row) // 3], row[len(row) // 3 :]), 0) for row in tokens]
    labels = sum(label != -100 for row in rows for label in row["labels"])
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(LlamaConfig(**SIZES), attn_implementation=attention).train()
    batch = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=packed)(rows)
    loss = model(**batch, num_items_in_batch=labels).loss
    loss.backward()
    return float(loss.detach()), {name: weight.grad for name, weight in model.named_parameters()}


def test_loss_and_gradients_of_packed_rows_are_those_of_padded_rows() -> None:
    (padded, gradients), (packed, others) = step("sdpa", False), step("varlen", True)
    assert packed == pytest.approx(padded, abs=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, atol=1e-5, rtol=1e-4)


def test_rows_are_kept_apart() -> None:
    require_exact_packing(LlamaConfig(**SIZES), torch.float32, "cpu", "varlen")


@pytest.mark.long
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_training_with_packed_rows_ends_at_the_weights_of_one_with_padded_rows(
    base: Path,  # noqa: F811
    tokenizer: Any,
    method: str,
) -> None:
    folders = [
        tuned(base, tokenizer, name, method=method, packing=packing, attention=attention)[0]
        for name, packing, attention in (("padded", "none", "sdpa"), ("packed", "exact", "varlen"))
    ]
    padded, packed = (AutoModelForCausalLM.from_pretrained(folder).state_dict() for folder in folders)
    for name, weight in padded.items():
        torch.testing.assert_close(packed[name], weight, atol=1e-4, rtol=1e-3)
    assert "varlen" not in json.dumps(json.loads((folders[1] / "config.json").read_text()))


@pytest.mark.parametrize("torch_is_old", [False, True])
def test_the_kernel_of_a_gpu_gets_the_rows_as_it_wants_them(
    torch_is_old: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same tensors with a stand-in that computes as the kernel's page says, with a softmax of each row.

    Before torch 2.12 heads shared a key without being asked to.
    """

    def attend_as_asked(*tensors: Any, enable_gqa: bool = False, **flags: Any) -> Any:
        assert enable_gqa == (tensors[0].shape[1] > tensors[1].shape[1])
        return attend_plainly(*tensors, **flags)

    def attend_plainly(query: Any, key: Any, value: Any, *borders: Any, **flags: Any) -> Any:
        assert all(tensor.is_contiguous() for tensor in (query, key, value))
        starts, _, longest, _ = borders
        assert longest == int(starts.diff().max()) == 31 and flags["window_size"] == (-1, 0)
        group, output = query.shape[1] // key.shape[1], torch.empty_like(query)
        for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            for head in range(query.shape[1]):
                scores = query[start:end, head] @ key[start:end, head // group].T * flags["scale"]
                later = torch.ones_like(scores, dtype=torch.bool).triu(1)
                weights = scores.masked_fill(later, -torch.inf).softmax(-1)
                output[start:end, head] = weights @ value[start:end, head // group]
        return output

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", attend_plainly if torch_is_old else attend_as_asked)
    monkeypatch.setattr(varlen, "_attend_each", varlen._attend_on_gpu)
    padded, packed = step("sdpa", False), step("varlen", True)
    assert packed[0] == pytest.approx(padded[0], abs=1e-5)


def test_mixed_arithmetic_gives_the_kernel_half_precision_alone(
    base: Path,  # noqa: F811
    tokenizer: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel of a GPU has no other; the check before the training calls it too."""
    attend = varlen._attend_each
    seen: list[Any] = []

    def attend_in_half(query: Any, key: Any, value: Any, *rest: Any) -> Any:
        seen.extend(tensor.dtype for tensor in (query, key, value))
        return attend(query, key, value, *rest)

    monkeypatch.setattr(varlen, "_attend_each", attend_in_half)
    tuned(base, tokenizer, packing="exact", attention="varlen", dtype="mixed")
    assert len(seen) > 3 * 4 and set(seen) == {torch.bfloat16}  # two layers: the check's and each step's


@pytest.mark.parametrize(
    ("attention", "packing", "dtype", "sentence"),
    [
        ("varlen", "none", "mixed", "is for packed rows: set finetune.packing to exact, got none"),
        ("varlen", "exact", "float32", "computes in bfloat16 on a GPU: set finetune.dtype to mixed or bfloat16"),
    ],
)
def test_settings_that_do_not_go_together_are_named(
    attention: Any, packing: Any, dtype: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ValueError, match=sentence):
        register_varlen(attention, packing, dtype)


def test_attention_of_another_kind_is_refused() -> None:
    config = MistralConfig(**SIZES, sliding_window=8)
    with pytest.raises(ValueError, match=r"this model's attention has sliding_window: set finetune\.attention to sdpa"):
        require_exact_packing(config, torch.float32, "cpu", "varlen")
    rows = torch.zeros(1, 2, 5, 8)
    with pytest.raises(ValueError, match="the rows' borders are missing"):
        attend_rows(None, rows, rows, rows, None)
    borders = torch.tensor([0, 5])
    with pytest.raises(ValueError, match="this model's attention has dropout"):
        attend_rows(None, rows, rows, rows, None, dropout=0.1, cu_seq_lens_q=borders, max_length_q=5)
