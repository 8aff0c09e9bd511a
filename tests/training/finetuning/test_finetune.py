import os
from pathlib import Path
from typing import Any

import pytest
import torch

from m2m.models import load_model, load_tokenizer
from m2m.planning.llama_shapes import LlamaShape
from m2m.planning.training_memory import TrainingSetup, estimate_memory
from m2m.training.finetuning import checkpoints, memory
from m2m.training.finetuning import finetune as finetuning
from m2m.training.finetuning.checkpoint_manifest import complete_checkpoint
from m2m.training.finetuning.collation import EMPTY_ROW
from m2m.training.finetuning.finetune import Recipe, finetune

pytestmark = pytest.mark.filterwarnings("default")  # mlflow, peft and transformers warn of each other
RECIPE = Recipe(
    seed=1,
    method="full",
    lora_rank=4,
    lora_alpha=8,
    lora_dropout=0.0,
    lora_targets="all-linear",
    batch_size=2,
    accumulate=1,
    learning_rate=0.01,
    warmup_share=0.1,
    packing="none",
    attention="sdpa",
    gradient_checkpointing="none",
    dtype="float32",
    kernels="none",
    optimizer="adamw",
)
SHAPE = LlamaShape(320, 32, 85, 2, 2, 2, True)  # of the fixture llama
ROWS = [([5, 6], [7, 8, 0]), ([9], [10, 0]), ([5], [6, 7, 8, 9, 0]), EMPTY_ROW]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"  # one for all: making it takes seconds


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)


@pytest.fixture
def base(llama: Any, tmp_path: Path) -> Path:
    llama.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def tuned(base: Any, tokenizer: Any, name: Any = "model", rows: Any = ROWS, **changed: Any) -> tuple[Any, Any]:
    folder = base.parent / name
    named: dict[str, Any] = {"name": "candidate", "checkpoint_minutes": 10, "params": {}, "write_curve": len}
    return folder, finetune(base, tokenizer, rows, folder, RECIPE._replace(**changed), **named)


def nats_a_token(model: Any, rows: Any) -> Any:
    with torch.no_grad():
        nats = [
            -model(torch.tensor([[*prompt, *completion]])).logits[0].log_softmax(-1)[len(prompt) - 1 + at, token]
            for prompt, completion in rows
            for at, token in enumerate(completion)
        ]
    return float(torch.stack(nats).mean())


@pytest.mark.parametrize("packing", ["none", "exact"])
def test_the_first_loss_is_the_likelihood_of_the_completions_alone(
    llama: Any, base: Path, tokenizer: Any, packing: str
) -> None:
    _, [first, *_] = tuned(base, tokenizer, packing=packing)
    assert first.loss == pytest.approx(nats_a_token(llama, ROWS[:2]), abs=1e-3)


@pytest.mark.parametrize("packing", ["none", "exact"])
def test_a_batch_puts_no_loss_on_prompts_padding_or_empty_places(
    llama: Any, tokenizer: Any, tmp_path: Path, packing: Any
) -> None:
    trainer = finetuning._trainer(llama, tokenizer, ROWS, RECIPE._replace(packing=packing), 4, tmp_path, True)
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["labels"][batch["labels"] != -100].tolist() == [7, 8, 0, 10, 0, 6, 7, 8, 9, 0]
    assert ("attention_mask" in batch) == (packing == "none")  # in a packed row a mask would hide the borders


def test_equal_seeds_give_equal_bytes_and_neither_pickle_nor_checkpoint_is_left(
    base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    written = []
    for name in ("one", "two"):
        folder, _ = tuned(base, tokenizer, name)
        written.append((folder / "model.safetensors").read_bytes())
        assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
        assert load_tokenizer(folder).get_vocab() == tokenizer.get_vocab()
    assert written[0] == written[1]
    assert list((tmp_path / ".cache/checkpoints").iterdir()) == []


def test_a_clock_that_jumps_back_costs_no_checkpoint(
    llama: Any, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """transformers itself would delete the oldest by the clock, which is then the newest."""

    def complete(checkpoint: Path) -> None:
        complete_checkpoint(checkpoint)
        os.utime(checkpoint, (2e9 - 3600 * int(checkpoint.name.split("-")[1]),) * 2)

    monkeypatch.setattr(checkpoints, "complete_checkpoint", complete)
    trainer = finetuning._trainer(llama, tokenizer, ROWS * 10, RECIPE, 2, tmp_path, True)
    trainer.add_callback(checkpoints.make_save_callback(trainer, 0))
    (tmp_path / "checkpoint-7").mkdir()  # of a run that was killed while it wrote it
    trainer.train()
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-10", "checkpoint-15"]
    assert checkpoints.find_latest_checkpoint(tmp_path) == tmp_path / "checkpoint-15"


@pytest.mark.parametrize(
    "changed",
    [{"accumulate": 2}, {"packing": "exact"}, {"attention": "eager"}, {"gradient_checkpointing": "full"}],
    ids=lambda changed: next(iter(changed)),
)
def test_how_a_step_is_computed_does_not_change_what_is_learned(base: Path, tokenizer: Any, changed: Any) -> None:
    plain, plain_losses = tuned(base, tokenizer, "plain")
    other, other_losses = tuned(base, tokenizer, "other", **changed)
    assert [one.loss for one in other_losses] == pytest.approx([one.loss for one in plain_losses], abs=1e-4)
    weights = [load_model(folder, "float32").state_dict() for folder in (plain, other)]
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=2e-3) for name in weights[0])


def test_a_model_in_bfloat16_stays_in_bfloat16(base: Path, tokenizer: Any) -> None:
    folder, _ = tuned(base, tokenizer, dtype="bfloat16")
    assert '"bfloat16"' in (folder / "config.json").read_text()


def test_mixed_keeps_float32_weights(base: Path, tokenizer: Any) -> None:
    folder, _ = tuned(base, tokenizer, dtype="mixed")
    assert '"float32"' in (folder / "config.json").read_text()


def test_a_step_that_cannot_be_cut_is_refused_with_the_remedy(base: Path, tokenizer: Any) -> None:
    with pytest.raises(ValueError, match=r"batch_size 2 must be a multiple of processes × accumulate, got 1 × 3"):
        tuned(base, tokenizer, accumulate=3)


def test_a_mask_that_trains_on_the_question_too_stops_the_first_step(
    base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(row: Any, pad: Any) -> Any:
        tokens = right(row, pad)["input_ids"]
        return {"input_ids": tokens, "labels": tokens if any(row) else [-100]}

    right = finetuning.label_tokens
    monkeypatch.setattr(finetuning, "label_tokens", wrong)
    with pytest.raises(ValueError, match=r"the loss of step 1 is on 6 tokens, but its responses have 5"):
        tuned(base, tokenizer)


def test_lora_learns_in_its_adapters_and_leaves_a_plain_model(llama: Any, base: Path, tokenizer: Any) -> None:
    folder, losses = tuned(base, tokenizer, method="lora", rows=ROWS * 10)
    assert losses[-1].loss < losses[0].loss
    model = load_model(folder, "float32")
    before, after = llama.state_dict(), model.state_dict()
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if name.endswith("_proj.weight")}
    assert model.config.tie_word_embeddings
    assert nats_a_token(model, ROWS[:3]) < nats_a_token(llama, ROWS[:3])


def test_merged_weights_are_peft_s_own_merge(llama: Any, tokenizer: Any) -> None:
    from m2m.training.finetuning.lora import add_adapters, merge_adapters

    model = add_adapters(llama, seed=1, rank=2, alpha=4, dropout=0.0, targets="all-linear")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(generator=torch.Generator().manual_seed(1))
    ours = merge_adapters(model, {name: value.clone() for name, value in model.state_dict().items()}).state_dict()
    theirs = model.merge_and_unload().state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_adapters_that_fit_no_module_are_refused(base: Path, tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="'nothing' matches no module"):
        tuned(base, tokenizer, method="lora", lora_targets="nothing")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
    ids=["gpu", "python", "torch"],
)
def test_out_of_memory_is_one_sentence_with_the_need_and_the_setting(
    base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(finetuning, "run_training", fail)
    monkeypatch.setattr(memory, "measure_available", lambda: 1.2e6)
    with pytest.raises(ValueError, match="this training does not fit in memory") as told:
        tuned(base, tokenizer, batch_size=4, rows=ROWS)
    need = estimate_memory(SHAPE, TrainingSetup("full", 4, "float32", 4, 6, 1, False, 1))
    assert f"it takes {need.peak / 1e9:.3g} GB at most" in str(told.value)
    assert "4 rows × 6 tokens × 320 types at once), of 0.0012 GB" in str(told.value)
    assert "Lower finetune.max_length" in str(told.value) or "set finetune.accumulate to" in str(told.value)


def test_another_error_of_torch_stays_itself(base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(finetuning, "run_training", fail)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        tuned(base, tokenizer)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_gpu_code_is_refused_without_a_gpu_before_anything_is_loaded(base: Path, tokenizer: Any) -> None:
    with pytest.raises(
        ValueError,
        match=r"kernels liger needs a GPU.*; finetune\.optimizer adamw-8bit needs a GPU.*, or set finetune\.kernels",
    ):
        tuned(base, tokenizer, kernels="liger", optimizer="adamw-8bit")


def test_kernels_take_the_place_of_parts_of_the_plain_model_which_gets_adapters_then(
    base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Liger's kernels find no layers in a model that has adapters already."""
    seen = []
    monkeypatch.setattr(finetuning, "apply_kernels", lambda model, _: seen.append(type(model).__name__))
    tuned(base, tokenizer, method="lora")
    assert seen == ["LlamaForCausalLM"]
