from pathlib import Path

import pytest
import torch

from stages.io.launching import require_processes

LAUNCH = Path(__file__).parents[2] / "profiles" / "launch"


@pytest.mark.parametrize("name", ["gpu", "fsdp"])
def test_a_launch_on_gpus_does_not_train_on_the_cpu_in_silence(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"asks for a GPU, but there is none: set launch to profiles/launch/cpu\.yaml"):
        require_processes(LAUNCH / f"{name}.yaml")


def test_one_process_that_sees_several_gpus_is_told_to_choose(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(ValueError, match=r"asks for one GPU, but 4 are visible: set CUDA_VISIBLE_DEVICES to one"):
        require_processes(LAUNCH / "gpu.yaml")
