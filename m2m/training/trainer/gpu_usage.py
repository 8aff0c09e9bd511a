"""Measures the memory of this process's GPU and the share of its peak that a training uses."""

from m2m.planning.gpus import find_peak_flops


def measure_gpu(flops_per_second: float) -> dict[str, float]:
    """Most memory held so far, GB, and model FLOPs utilisation of this process's GPU; nothing without a GPU."""
    import torch

    if not torch.cuda.is_available():
        return {}
    peak = find_peak_flops(torch.cuda.get_device_name())
    memory = {"gpu_memory_gb": torch.cuda.max_memory_allocated() / 1e9}
    return memory if peak is None else memory | {"mfu": flops_per_second / peak}
