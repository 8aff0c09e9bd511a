"""Fine-tunes a causal model on prompt–completion token rows, loss on the completion alone."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from m2m.models import Attention, list_weight_files, read_model, save_tokenizer
from m2m.planning.gpus import estimate_token_flops
from m2m.planning.training_memory import TrainingSetup
from m2m.training.finetuning.checkpoints import (
    find_latest_checkpoint,
    hash_training,
    lock_checkpoint_folder,
    make_save_callback,
)
from m2m.training.finetuning.code_version import identify_code
from m2m.training.finetuning.collation import Packing, TokenRow, label_tokens, require_exact_packing
from m2m.training.finetuning.kernels import TRAINER_NAMES, Kernels, Optimizer, apply_kernels, require_optional
from m2m.training.finetuning.launch import divide_batch
from m2m.training.finetuning.lora import add_adapters, merge_adapters
from m2m.training.finetuning.memory import explain_memory, measure_length
from m2m.training.finetuning.varlen import register_varlen
from m2m.training.trainer.loop import TRAINER_SETTINGS, LossPoint, run_training

TrainingDtype = Literal["float32", "mixed", "bfloat16"]  # mixed: float32 weights, bfloat16 arithmetic


class Recipe(NamedTuple):
    """How to train, as in params.yaml."""

    seed: int
    method: Literal["full", "lora"]
    lora_rank: int
    lora_alpha: int
    lora_dropout: float
    lora_targets: str
    batch_size: int  # rows a step, of all processes together
    accumulate: int
    learning_rate: float
    warmup_share: float
    packing: Packing
    attention: Attention
    gradient_checkpointing: Literal["none", "full"]
    dtype: TrainingDtype
    kernels: Kernels
    optimizer: Optimizer


def finetune(
    base: Path,
    tokenizer: Any,
    rows: Sequence[TokenRow],
    folder: Path,
    recipe: Recipe,
    *,
    name: str,
    checkpoint_minutes: float,
    params: Mapping[str, Any],
    write_curve: Callable[[list[LossPoint]], None],
) -> list[LossPoint]:
    """Train the model of `base` once over `rows`, `batch_size` of them a step, and save it in `folder`.

    An adapted model is saved merged. The first process calls `write_curve` before the checkpoints are removed, so that
    a training whose outs cannot be written resumes from its last checkpoint.

    ValueError where a step cannot be divided among the processes, or, at the step itself, where the trainer's loss is
    not on all completion tokens and on these alone; and where memory runs out, with what the training needs.
    """
    from accelerate import PartialState

    processes = PartialState()
    rows_at_once = divide_batch(recipe.batch_size, processes.num_processes, recipe.accumulate)
    require_optional(recipe.kernels, recipe.optimizer)
    register_varlen(recipe.attention, recipe.packing, recipe.dtype)
    key = hash_training(list_weight_files(base), _list_facts(recipe, rows, processes.num_processes))
    with lock_checkpoint_folder(key, processes.is_main_process) as checkpoints:
        processes.wait_for_everyone()  # for the first, which may have waited for the lock
        model = read_model(base, "bfloat16" if recipe.dtype == "bfloat16" else "float32", recipe.attention)
        apply_kernels(model, recipe.kernels)  # they know the plain model alone, without adapters
        if recipe.method == "lora":
            adapters = {name: recipe._asdict()[f"lora_{name}"] for name in ("rank", "alpha", "dropout", "targets")}
            model = add_adapters(model, seed=recipe.seed, **adapters)
        setup = _describe_setup(recipe, rows_at_once, measure_length(rows, rows_at_once, recipe.packing))
        flops = estimate_token_flops(model.num_parameters(), model.num_parameters(only_trainable=True))
        with explain_memory(model.config, setup):
            trainer = _trainer(
                model, tokenizer, rows, recipe, rows_at_once, checkpoints, processes.device.type == "cpu"
            )
            trainer.add_callback(make_save_callback(trainer, checkpoint_minutes))
            losses = run_training(
                trainer,
                name=name,
                key=key,
                tokens=[
                    sum(len(prompt) + len(completion) for prompt, completion in step) for step in _steps(rows, recipe)
                ],
                flops=flops,
                params={**recipe._asdict(), **params, "processes": processes.num_processes, "key": key},
                resume=find_latest_checkpoint(checkpoints),
                save=lambda: _save(trainer, recipe.method, folder),
            )
        if processes.is_main_process:
            save_tokenizer(tokenizer, folder)  # a server takes the folder as it is
            write_curve(losses)
        processes.wait_for_everyone()
    return losses


def require_tokens(tokens: int, expected: int, step: int) -> None:
    """ValueError where a step's loss is on another number of tokens than its responses have."""
    if tokens != expected:
        raise ValueError(
            f"the loss of step {step} is on {tokens} tokens, but its responses have {expected}: "
            "the mask or the prompt format is wrong; please report it with your settings"
        )


def _describe_setup(recipe: Recipe, rows_at_once: int, length: int) -> TrainingSetup:
    from accelerate import PartialState

    state = PartialState()
    sharing = state.num_processes if str(state.distributed_type).endswith("FSDP") else 1
    return TrainingSetup(
        recipe.method,
        recipe.lora_rank,
        recipe.dtype,
        rows_at_once,
        length,
        recipe.accumulate,
        recipe.gradient_checkpointing == "full",
        sharing,
        recipe.optimizer,
        recipe.kernels,
    )


def _steps(rows: Sequence[TokenRow], recipe: Recipe) -> list[Sequence[TokenRow]]:
    return [rows[start : start + recipe.batch_size] for start in range(0, len(rows), recipe.batch_size)]


def _trainer(
    model: Any, tokenizer: Any, rows: Sequence[TokenRow], recipe: Recipe, rows_at_once: int, output: Path, cpu: bool
) -> Any:
    import torch
    from datasets import Dataset
    from transformers import Trainer
    from trl import SFTConfig, SFTTrainer

    completion_tokens = [sum(len(completion) for _, completion in step) for step in _steps(rows, recipe)]

    class Guarded(SFTTrainer):  # type: ignore[misc]  # TRL is not followed
        """Compares the number of labels that each step's loss is divided by with the response tokens of its rows."""

        # TRL's own also computes every token's entropy and accuracy, which takes half as much time again on a CPU
        compute_loss = Trainer.compute_loss

        def get_batch_samples(self, *arguments: Any, **named: Any) -> Any:
            samples, tokens = super().get_batch_samples(*arguments, **named)
            require_tokens(int(tokens), completion_tokens[self.state.global_step], self.state.global_step + 1)
            return samples, tokens

    settings = SFTConfig(
        output_dir=str(output),
        seed=recipe.seed,
        num_train_epochs=1,
        per_device_train_batch_size=rows_at_once,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        train_sampling_strategy="sequential",  # the rows come in order
        warmup_steps=recipe.warmup_share,
        logging_steps=5,
        logging_first_step=True,
        use_cpu=cpu,
        optim=TRAINER_NAMES[recipe.optimizer],
        bf16=recipe.dtype != "float32",
        activation_checkpointing=recipe.gradient_checkpointing == "full",
        dataset_kwargs={"skip_prepare_dataset": True},  # tokens, labels and lengths were made and checked before
        max_length=None,
        router_aux_loss_coef=0.0,  # of a mixture of experts: the loss is that of the tokens alone
        padding_free=recipe.packing == "exact",
        ddp_find_unused_parameters=False,
        **TRAINER_SETTINGS,
    )
    if recipe.packing == "exact":
        arithmetic = torch.float32 if recipe.dtype == "float32" else torch.bfloat16
        require_exact_packing(model.config, arithmetic, settings.device, recipe.attention)
    data = Dataset.from_list([label_tokens(row, tokenizer.pad_token_id) for row in rows])
    return Guarded(model=model, args=settings, train_dataset=data, processing_class=tokenizer)


def _list_facts(recipe: Recipe, rows: Sequence[TokenRow], processes: int) -> dict[str, Any]:
    """Everything but the base model that decides what a training computes, its code included."""
    from accelerate import PartialState

    distribution = str(PartialState().distributed_type)  # sharded checkpoints fit no other
    code = identify_code(__name__, Path(__file__).parents[3])
    return {"recipe": recipe, "rows": rows, "processes": processes, "distribution": distribution, "code": code}


def _save(trainer: Any, method: str, folder: Path) -> None:
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not trainer.is_world_process_zero():
        return
    model = trainer.accelerator.unwrap_model(trainer.model)
    if method == "lora":
        merge_adapters(model, state).save_pretrained(folder)
    else:
        model.save_pretrained(folder, state_dict=state)
