"""What a GPU could do at most, and the share of it that a training uses."""

# bfloat16, dense, 10¹² operations a second: NVIDIA's data sheets, which print twice as much "with sparsity".
# By the beginning of the name that the driver gives; the longest that fits counts.
PEAKS = {
    "NVIDIA A100": 312,
    "NVIDIA H100": 989,
    "NVIDIA H100 PCIe": 756,
    "NVIDIA H100 NVL": 835,
    "NVIDIA H200": 989,
    "NVIDIA B200": 2250,
    "NVIDIA L4": 121,
    "NVIDIA L40S": 362,
}


def find_peak_flops(name: str) -> float | None:
    """Dense bfloat16 operations a second of the GPU that the driver calls `name`; None where it is not in the table."""
    fitting = [known for known in PEAKS if name == known or name.startswith((known + " ", known + "-"))]
    return PEAKS[max(fitting, key=len)] * 1e12 if fitting else None


def estimate_token_flops(parameters: int, trained: int) -> float:
    """Operations a token: 2 a parameter forward, 2 backward through it, 2 more for each that is itself trained.

    6 · N where all are trained (Kaplan et al. 2020, section 2.1); attention's own product is left out, as is usual.
    """
    return 4.0 * parameters + 2.0 * trained


def measure_gpu(flops_per_second: float) -> dict[str, float]:
    """Most memory held so far, GB, and model FLOPs utilisation of this process's GPU; nothing without a GPU."""
    import torch

    if not torch.cuda.is_available():
        return {}
    peak = find_peak_flops(torch.cuda.get_device_name())
    held = {"gpu_memory_gb": torch.cuda.max_memory_allocated() / 1e9}
    return held if peak is None else held | {"mfu": flops_per_second / peak}
