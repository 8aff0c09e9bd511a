"""Keeps a training's state outside its outs, so that the same training goes on after it was killed."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from m2m.project_root import home

WHOLE = "whole"  # an empty file: all of this checkpoint has been written


def hash_training(files: Iterable[Path], facts: Mapping[str, Any]) -> str:
    """A name for the training that these files and facts lead to; another byte in any of them is another name."""
    told = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for path in sorted(files):
        with path.open("rb") as file:
            told.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return told.hexdigest()[:32]


@contextmanager
def lock_checkpoint_folder(key: str, first: bool) -> Iterator[Path]:
    """The folder of this training, at an absolute path; gone when the training has ended well.

    The first of its processes holds a lock, so that two trainings of the same thing run one after the other.
    """
    folder = home() / ".cache" / "checkpoints" / key
    if not first:
        yield folder
        return
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        folder.mkdir(exist_ok=True)  # who held the lock has removed it
        yield folder
        shutil.rmtree(folder)


def find_latest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end."""
    whole = [path.parent for path in folder.glob(f"checkpoint-*/{WHOLE}")]
    return max(whole, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)


def make_save_callback(accelerator: Any, minutes: float) -> Any:
    """A callback that has the trainer save its state when `minutes` have passed since it began or saved last.

    It waits for a step whose loss is logged: a mean that is half taken is in no checkpoint of the trainer's.
    """
    import torch
    from transformers import TrainerCallback

    class Saving(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
        """All processes save together, as soon as the first finds that it is time."""

        since = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            due = time.monotonic() - self.since >= 60 * minutes
            if accelerator.num_processes > 1:
                flag = torch.tensor(float(due), device=accelerator.device)
                due = bool(accelerator.reduce(flag, "sum").item())
            control.should_save = due and control.should_log and state.global_step < state.max_steps

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            accelerator.wait_for_everyone()
            if state.is_world_process_zero:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / WHOLE).touch()
            self.since = time.monotonic()

    return Saving()
