"""What a GPU can do at most, what a core does, and how many operations a training token takes."""

from typing import NamedTuple


class Gpu(NamedTuple):
    """From NVIDIA's data sheets, which print twice these operations "with sparsity"."""

    driver_name: str  # the beginning of the name that the driver reports
    flops: float  # dense bfloat16 operations a second
    bandwidth: float  # bytes of its memory a second
    memory: float  # bytes


GPUS = {
    "a100": Gpu("NVIDIA A100", 312e12, 2.039e12, 80e9),  # SXM, 80 GB
    "h100": Gpu("NVIDIA H100", 989e12, 3.35e12, 80e9),  # SXM
    "h100-pcie": Gpu("NVIDIA H100 PCIe", 756e12, 2.0e12, 80e9),
    "h100-nvl": Gpu("NVIDIA H100 NVL", 835e12, 3.9e12, 94e9),
    "h200": Gpu("NVIDIA H200", 989e12, 4.8e12, 141e9),
    "b200": Gpu("NVIDIA B200", 2250e12, 8.0e12, 180e9),
    "l4": Gpu("NVIDIA L4", 121e12, 0.3e12, 24e9),
    "l40s": Gpu("NVIDIA L40S", 362e12, 0.864e12, 48e9),
}


CORE_FLOPS, CPU_BANDWIDTH = 2e10, 1e10  # what the default study's trainings reached a core, and a usual memory


def describe_cpu(cores: int, memory: float) -> Gpu:
    """A machine without a GPU as one device; `memory` in bytes. Its operations are a measured speed, not a peak."""
    return Gpu("CPU", CORE_FLOPS * cores, CPU_BANDWIDTH, memory)


def find_gpu(name: str) -> str | None:
    """The key in GPUS of the GPU that the driver calls `name`; None for an unknown GPU.

    >>> find_gpu("NVIDIA H100 PCIe"), find_gpu("NVIDIA H100 80GB HBM3"), find_gpu("NVIDIA GeForce RTX 4090")
    ('h100-pcie', 'h100', None)
    """
    prefixes = {gpu.driver_name: key for key, gpu in GPUS.items()}
    matches = [prefix for prefix in prefixes if name == prefix or name.startswith((prefix + " ", prefix + "-"))]
    return prefixes[max(matches, key=len)] if matches else None


def find_peak_flops(name: str) -> float | None:
    """Dense bfloat16 operations a second of the GPU that the driver calls `name`; None for an unknown GPU.

    >>> find_peak_flops("NVIDIA H100 PCIe") == 756e12, find_peak_flops("NVIDIA GeForce RTX 4090")
    (True, None)
    """
    key = find_gpu(name)
    return GPUS[key].flops if key else None


def estimate_token_flops(parameters: float, trained: float) -> float:
    """Operations a training token: 2 a parameter forward, 2 backward through it, 2 more for each trained parameter.

    6 · N if all are trained (Kaplan et al. 2020, section 2.1); attention's own product is left out, as is usual.
    """
    return 4.0 * parameters + 2.0 * trained
