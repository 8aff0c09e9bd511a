import pytest

from m2m.training.trainer.gpu_usage import measure_gpu


def test_utilisation_is_of_the_gpu_s_peak_and_left_out_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert measure_gpu(1e12) == {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 5e9)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H100 80GB HBM3")
    assert measure_gpu(494.5e12) == {"gpu_memory_gb": 5.0, "mfu": 0.5}
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "another")
    assert measure_gpu(494.5e12) == {"gpu_memory_gb": 5.0}
