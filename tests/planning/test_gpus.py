"""GPU peaks by data sheet, and operations a token."""

import pytest

from m2m.planning.gpus import estimate_token_flops, find_peak_flops


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H100 NVL", 835e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40S", 362e12),
    ],
)
def test_a_known_gpu_has_the_peak_of_its_data_sheet(name: str, peak: float) -> None:
    assert find_peak_flops(name) == peak


def test_an_unknown_gpu_has_none() -> None:
    assert find_peak_flops("NVIDIA L40") is None
    assert find_peak_flops("A friend's GPU") is None


def test_training_all_of_n_parameters_costs_6_n_a_token_and_frozen_ones_4_n() -> None:
    assert estimate_token_flops(10, 10) == 60
    assert estimate_token_flops(10, 0) == 40
