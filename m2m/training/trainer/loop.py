"""Runs a transformers trainer with our progress and our MLflow run, without reports or pickles of its own."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from m2m.progress import track_progress
from m2m.training.trainer.gpu_usage import measure_gpu
from m2m.training.trainer.journal import CURVE
from m2m.training.trainer.keep_training import keep_training
from m2m.training.trainer.mlflow_run import Log, track_training
from m2m.training.trainer.outcome import hash_curve

TRAINER_SETTINGS = {  # of every training: no reports but ours, no checkpoints but ours
    "report_to": [],
    "save_strategy": "no",
    "max_grad_norm": 1.0,
    "adam_beta2": 0.95,
    "disable_tqdm": True,  # our progress replaces it
    "dataloader_pin_memory": False,
}


class LossPoint(NamedTuple):
    """One point of a loss curve: mean nats a trained token since the previous point."""

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
    save: Callable[[], None],
) -> list[LossPoint]:
    """Train, on from `resume` where there is one, `save` the model at once, and return the whole loss curve.

    `tokens` are those that each step reads in all processes, `flops` a token's operations: for the speed. No error of
    what shows or records the training ends it.
    """
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    first = trainer.is_world_process_zero()
    end_tags: dict[str, str] = {}
    with track_training(name, params, key, end_tags) if first else nullcontext(_ignore) as log:
        if first:
            trainer.add_callback(_make_progress(f"train {name}", log, tokens, flops / trainer.args.world_size))
        trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
        save()
        history = [entry for entry in trainer.state.log_history if "loss" in entry]
        curve = [LossPoint(entry["step"], float(entry["loss"]), float(entry["learning_rate"])) for entry in history]
        end_tags[CURVE] = hash_curve(curve)
    return curve


def _ignore(values: Mapping[str, float], step: int) -> None:
    """Only the first process keeps a record."""


def _make_progress(label: str, log: Log, tokens: Sequence[int], flops: float) -> Any:
    from transformers import TrainerCallback

    tokens_until = [0, *accumulate(tokens)]

    class ShowProgress(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
        """Shows each step; sends each logged loss, the speed since the previous one and the GPU's use to MLflow."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            steps = range(state.global_step, state.max_steps)
            self.bar = iter(track_progress(steps, label, len(steps)))
            self.step, self.time = state.global_step, time.monotonic()
            self.advance()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.advance()

        def advance(self) -> None:
            with keep_training("the progress of this training cannot be shown; it continues"):
                next(self.bar, None)  # a generator that failed has ended: there is one warning

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "loss" not in logs:
                return
            with keep_training("the speed of this training cannot be recorded; it continues"):
                figures = {name: float(logs[name]) for name in ("loss", "grad_norm", "learning_rate")}
                seconds, step = time.monotonic() - self.time, state.global_step
                rate = (tokens_until[step] - tokens_until[self.step]) / seconds
                log(figures | {"tokens_per_second": rate} | measure_gpu(rate * flops), step)
                self.step, self.time = step, self.time + seconds

    return ShowProgress()
