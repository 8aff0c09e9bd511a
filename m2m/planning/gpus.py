"""What a GPU can do at most, by a short name."""

from typing import NamedTuple


class Gpu(NamedTuple):
    """From NVIDIA's data sheets; they print twice these operations, "with sparsity"."""

    flops: float  # dense bfloat16 operations a second
    bandwidth: float  # bytes of its memory a second
    memory: float  # bytes


GPUS = {
    "a100": Gpu(312e12, 2.039e12, 80e9),  # SXM, 80 GB
    "l40s": Gpu(362e12, 0.864e12, 48e9),
    "h100": Gpu(989e12, 3.35e12, 80e9),  # SXM
    "h200": Gpu(989e12, 4.8e12, 141e9),
    "b200": Gpu(2250e12, 8.0e12, 180e9),
}
