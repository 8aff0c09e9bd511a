"""Says what memory a training needs and which setting fits: before it starts, and in place of an error of memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from m2m.planning.llama_shapes import LlamaShape, read_shape
from m2m.planning.training_memory import TrainingSetup, describe_memory, describe_planned_memory
from m2m.training.finetuning.launch import read_processes


def plan_memory(settings: Mapping[str, Any], shape: LlamaShape, gpu_bytes: float) -> str:
    """What a training of params.yaml needs in a process, of a GPU's bytes or, on a CPU, of this machine's memory."""
    import psutil

    processes = read_processes(Path(settings["launch"]))
    available = float(psutil.virtual_memory().total) if processes.on_cpu else gpu_bytes
    return describe_planned_memory(settings, shape, processes.number, processes.sharing, available)


@contextmanager
def explain_memory(config: Any, setup: TrainingSetup) -> Iterator[None]:
    """ValueError in place of an error of the GPU's memory, or of main memory.

    `config` is that of the model; of one that is no Llama the need is not estimated.
    """
    import torch

    try:
        yield
    except (RuntimeError, MemoryError) as error:  # torch's error on a CPU has no class of its own
        if not (isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)):
            raise
        raise ValueError(_describe_need(config, setup)) from error


def _describe_need(config: Any, setup: TrainingSetup) -> str:
    try:
        shape = read_shape(config.to_dict())
    except ValueError:
        twice = 2 * setup.accumulate
        return f"this training does not fit in memory: set finetune.accumulate to {twice}, or lower finetune.max_length"
    need = describe_memory(shape, setup, measure_available())
    lower = "" if "set finetune" in need else f": set finetune.accumulate to {2 * setup.accumulate}"
    return f"this training does not fit in memory, it takes {need}{lower}"


def measure_available() -> float:
    """Bytes of this process's GPU, or of main memory where there is none."""
    import psutil
    import torch

    return float(torch.cuda.mem_get_info()[1] if torch.cuda.is_available() else psutil.virtual_memory().total)


def find_longest(rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> int:
    """Tokens of the longest row."""
    return max(len(prompt) + len(completion) for prompt, completion in rows)
