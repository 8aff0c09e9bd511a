import pytest

from m2m.training.trainer.gpu_usage import estimate_token_flops, find_peak_flops, measure_gpu


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
def test_a_known_gpu_has_the_peak_of_its_data_sheet(name, peak):
    assert find_peak_flops(name) == peak


def test_an_unknown_gpu_has_none():
    assert find_peak_flops("NVIDIA L40") is None
    assert find_peak_flops("A friend's GPU") is None


def test_training_all_of_n_parameters_costs_6_n_a_token_and_frozen_ones_4_n():
    assert estimate_token_flops(10, 10) == 60
    assert estimate_token_flops(10, 0) == 40


def test_utilisation_is_of_the_gpu_s_peak_and_left_out_without_one(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert measure_gpu(1e12) == {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 5e9)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    assert measure_gpu(494.5e12) == {"gpu_memory_gb": 5.0, "mfu": 0.5}
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "another")
    assert measure_gpu(494.5e12) == {"gpu_memory_gb": 5.0}
