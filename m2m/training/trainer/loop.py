"""Runs a transformers trainer with our progress, our MLflow run, and no reports or pickles of its own."""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from m2m.progress import progress
from m2m.training.trainer.gpu_usage import measure_gpu
from m2m.training.trainer.mlflow_run import Log, track_training

TRAINER_SETTINGS = {  # what every training shares: no reports but ours, no checkpoints but those asked for
    "report_to": [],
    "save_strategy": "no",
    "max_grad_norm": 1.0,
    "adam_beta2": 0.95,
    "disable_tqdm": True,  # our own progress stands in for it
    "dataloader_pin_memory": False,
}


class LossPoint(NamedTuple):
    """One point of a loss curve: mean nats a trained token since the point before."""

    step: int
    loss: float
    learning_rate: float


def run_training(
    trainer: Any,
    *,
    name: str,
    key: str,
    tokens: Sequence[int],
    flops: float,
    params: Mapping[str, Any],
    resume: Path | None,
) -> list[LossPoint]:
    """Train, on from `resume` where there is one, and return the whole loss curve.

    `tokens` are those that each step reads in all processes, `flops` a token's operations: for the speed.
    """
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    first = trainer.is_world_process_zero()
    with track_training(name, params, key) if first else nullcontext(_unheard) as log:
        if first:
            trainer.add_callback(_live(f"train {name}", log, tokens, flops / trainer.args.world_size))
        trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    history = [entry for entry in trainer.state.log_history if "loss" in entry]
    return [LossPoint(entry["step"], float(entry["loss"]), float(entry["learning_rate"])) for entry in history]


def _unheard(values: Mapping[str, float], step: int) -> None:
    """A process that is not the first keeps no record."""


def _live(label: str, log: Log, tokens: Sequence[int], flops: float) -> Any:
    from transformers import TrainerCallback

    read = [0, *accumulate(tokens)]

    class Live(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
        """Shows each step, and sends each logged loss, the speed since the one before and the GPU's use to MLflow."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            left = range(state.global_step, state.max_steps)
            self.steps = iter(progress(left, label, len(left)))
            next(self.steps, None)
            self.seen, self.since = state.global_step, time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            next(self.steps, None)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "loss" not in logs:
                return
            told = {one: float(logs[one]) for one in ("loss", "grad_norm", "learning_rate")}
            now, step = time.monotonic(), state.global_step
            rate = (read[step] - read[self.seen]) / (now - self.since)
            log(told | {"tokens_per_second": rate} | measure_gpu(rate * flops), step)
            self.seen, self.since = step, now

    return Live()
