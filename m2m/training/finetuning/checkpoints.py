"""Keeps a training's state outside its outs, so that the same training resumes after a kill."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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


def make_save_callback(trainer: Any, minutes: float) -> Any:
    """A callback that saves the trainer's state when `minutes` have passed since its start or its last save.

    It waits for a step whose loss is logged, since the trainer's checkpoints contain no unfinished mean. A checkpoint
    that cannot be written, as on a full disk, ends no training: nothing of it stays, and a warning says so once.
    """
    from transformers import TrainerCallback

    class SaveByTime(TrainerCallback):  # type: ignore[misc]  # transformers is not followed
        """All processes save together, as soon as it is time for one of them."""

        since = time.monotonic()
        has_warned = False

        def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            is_due = time.monotonic() - self.since >= 60 * minutes and state.global_step < state.max_steps
            if _is_true_anywhere(trainer.accelerator, is_due):
                self.write_checkpoint(Path(args.output_dir) / f"checkpoint-{state.global_step}")
                self.since = time.monotonic()

        def write_checkpoint(self, checkpoint: Path) -> None:
            """The older checkpoints go when this one is complete, and not before."""
            error = _catch_error(lambda: trainer._save_checkpoint(trainer.model_wrapped, None))
            is_torn = _is_true_anywhere(trainer.accelerator, error is not None)
            if trainer.is_world_process_zero():
                error = error if is_torn else _catch_error(lambda: complete_checkpoint(checkpoint))
                remove_older_checkpoints(checkpoint.parent)  # this one too, unless it is complete
            if error and not self.has_warned:
                self.has_warned = True
                with keep_training(
                    f"{checkpoint} could not be written: make room there, or a killed training begins further back; "
                    "this one continues"
                ):
                    raise error

    return SaveByTime()


def _catch_error(write: Callable[[], None]) -> Exception | None:
    """The error of `write`: OSError, or one of torch's or safetensors' own."""
    try:
        write()
    except Exception as error:
        return error
    return None


def _is_true_anywhere(accelerator: Any, flag: bool) -> bool:
    """Whether `flag` is true in one of the processes, which all wait here."""
    import torch

    if accelerator.num_processes == 1:
        return flag
    return bool(accelerator.reduce(torch.tensor(float(flag), device=accelerator.device), "sum").item())
