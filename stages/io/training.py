"""Runs a transformers trainer with our progress, our MLflow run, and safetensors as all that it leaves."""

import time
from pathlib import Path
from typing import Any, NamedTuple

from stages.io.progress import progress
from stages.io.tracking import log_metrics, tracked

PLAIN = {  # what every training shares: no reports but ours, no checkpoints and so no pickles
    "report_to": [],
    "save_strategy": "no",
    "bf16": False,
    "max_grad_norm": 1.0,
    "adam_beta2": 0.95,
    "disable_tqdm": True,  # our own progress stands in for it
    "dataloader_pin_memory": False,
}


class Loss(NamedTuple):
    """One point of a loss curve: mean nats a trained token since the point before."""

    step: int
    loss: float
    learning_rate: float


def trained(trainer: Any, folder: Path, *, name: str, tokens: int, params: dict[str, Any]) -> list[Loss]:
    """Train, save the model in `folder`, return the loss curve; `tokens` is what the run will read, for its speed."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    with tracked(name, {**_told(trainer.args), **params}):
        trainer.add_callback(_live(f"train {name}"))
        begin = time.monotonic()
        trainer.train()
        log_metrics({"tokens_per_second": tokens / (time.monotonic() - begin)}, trainer.state.global_step)
    trainer.model.save_pretrained(folder)
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    return [Loss(entry["step"], float(entry["loss"]), float(entry["learning_rate"])) for entry in history]


def _told(settings: Any) -> dict[str, Any]:
    names = ("seed", "num_train_epochs", "per_device_train_batch_size", "learning_rate", "lr_scheduler_type")
    return {name: getattr(settings, name) for name in names} | {"processes": settings.world_size}


def _live(label: str) -> Any:
    from transformers import TrainerCallback

    class Live(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
        """Shows each step, and sends each logged loss to MLflow as it comes."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.steps = iter(progress(range(state.max_steps), label, state.max_steps))
            next(self.steps)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            next(self.steps, None)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "loss" in logs:
                told = {key: float(logs[key]) for key in ("loss", "grad_norm", "learning_rate")}
                log_metrics(told, state.global_step)

    return Live()
