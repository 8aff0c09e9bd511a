"""Keeps a training's state outside its outs, so that the same training resumes after a kill."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from m2m.runtime.project_root import find_project_root
from m2m.training.finetuning.checkpoint_manifest import COMPLETE, complete_checkpoint, set_aside_damaged
from m2m.training.trainer.keep_training import keep_training

KEPT_CHECKPOINTS = 2  # the newest may be damaged


def hash_training(files: Iterable[Path], facts: Mapping[str, Any]) -> str:
    """A name for the training with these files and facts; a change of any byte gives another name."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for path in sorted(files):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


@contextmanager
def lock_checkpoint_folder(key: str, first: bool) -> Iterator[Path]:
    """The folder of this training, at an absolute path; removed when the training has ended well.

    The first of its processes locks it, so that two equal trainings run one after the other.
    """
    folder = find_project_root() / ".cache" / "checkpoints" / key
    if not first:
        yield folder
        return
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        folder.mkdir(exist_ok=True)  # the previous holder of the lock has removed it
        set_aside_damaged(folder)
        yield folder
        with keep_training(f"the checkpoints in {folder} could not be removed: delete them by hand"):
            shutil.rmtree(folder)


def find_latest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written completely; `lock_checkpoint_folder` has set aside damaged ones."""
    return next(iter(_list_complete(folder)), None)


def remove_older_checkpoints(folder: Path) -> None:
    """Leave the newest complete checkpoints, by their steps: transformers goes by the clock, which may jump."""
    kept = _list_complete(folder)[:KEPT_CHECKPOINTS]
    for checkpoint in set(folder.glob("checkpoint-*")) - set(kept):
        shutil.rmtree(checkpoint, ignore_errors=True)


def _list_complete(folder: Path) -> list[Path]:
    """The newest first."""
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return sorted(complete, key=lambda path: -int(path.name.removeprefix("checkpoint-")))


def make_save_callback(accelerator: Any, minutes: float) -> Any:
    """A callback that makes the trainer save its state when `minutes` have passed since its start or its last save.

    It waits for a step whose loss is logged, since the trainer's checkpoints contain no unfinished mean.
    """
    import torch
    from transformers import TrainerCallback

    class SaveByTime(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
        """All processes save together, as soon as it is time for one of them."""

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
                folder = Path(args.output_dir)
                complete_checkpoint(folder / f"checkpoint-{state.global_step}")
                remove_older_checkpoints(folder)
            self.since = time.monotonic()

    return SaveByTime()
