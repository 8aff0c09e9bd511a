"""Measures which share of a GPU's peak a training uses."""

from m2m.planning.gpus import GPUS

# Dense bfloat16 operations a second, by the beginning of the driver's name; the longest that matches counts. Those that
# planning does not know are from NVIDIA's data sheets too, which print twice as many "with sparsity".
PEAKS = {
    "NVIDIA A100": GPUS["a100"].flops,
    "NVIDIA H100": GPUS["h100"].flops,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H200": GPUS["h200"].flops,
    "NVIDIA B200": GPUS["b200"].flops,
    "NVIDIA L4": 121e12,
    "NVIDIA L40S": GPUS["l40s"].flops,
}


def find_peak_flops(name: str) -> float | None:
    """Dense bfloat16 operations a second of the GPU that the driver calls `name`; None where it is not in the table."""
    matches = [prefix for prefix in PEAKS if name == prefix or name.startswith((prefix + " ", prefix + "-"))]
    return PEAKS[max(matches, key=len)] if matches else None


def estimate_token_flops(parameters: int, trained: int) -> float:
    """Operations a token: 2 a parameter forward, 2 backward through it, and 2 more for each trained parameter.

    6 · N where all are trained (Kaplan et al. 2020, section 2.1); attention's own product is left out, as is usual.
    """
    return 4.0 * parameters + 2.0 * trained


def measure_gpu(flops_per_second: float) -> dict[str, float]:
    """Peak memory so far, GB, and model FLOPs utilisation of this process's GPU; nothing without a GPU."""
    import torch

    if not torch.cuda.is_available():
        return {}
    peak = find_peak_flops(torch.cuda.get_device_name())
    memory = {"gpu_memory_gb": torch.cuda.max_memory_allocated() / 1e9}
    return memory if peak is None else memory | {"mfu": flops_per_second / peak}
