from pathlib import Path

import pytest
import torch

from m2m.training.finetuning.launch import Processes, count_gpus, read_processes, require_processes

LAUNCH = Path(__file__).parents[3] / "profiles" / "launch"


@pytest.mark.parametrize(("name", "gpus"), [("cpu", 1), ("cpu-2", 1), ("gpu", 1), ("fsdp", 8)])
def test_a_training_takes_a_gpu_a_process(name: str, gpus: int) -> None:
    assert count_gpus(LAUNCH / f"{name}.yaml") == gpus


def test_a_training_on_several_machines_is_none_for_a_grid() -> None:
    with pytest.raises(ValueError, match="is for 2 machines, but the grid runs its cells on this machine"):
        count_gpus(LAUNCH / "machines.yaml")


@pytest.mark.parametrize(("text", "lacking"), [("", "use_cpu and num_processes"), ("use_cpu: true\n", "num_processes")])
def test_a_launch_file_that_does_not_say_what_it_takes_is_told_so(tmp_path: Path, text: str, lacking: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ValueError, match=rf"own\.yaml must contain {lacking}: add it, or rewrite the file"):
        count_gpus(tmp_path / "own.yaml")


@pytest.mark.parametrize("name", ["gpu", "fsdp"])
def test_a_launch_on_gpus_does_not_train_on_the_cpu_in_silence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"needs a GPU, but there is none: set launch to profiles/launch/cpu\.yaml"):
        require_processes(LAUNCH / f"{name}.yaml")


def test_one_process_that_sees_several_gpus_is_told_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(ValueError, match=r"is for one GPU, but 4 are visible: set CUDA_VISIBLE_DEVICES to one"):
        require_processes(LAUNCH / "gpu.yaml")


def test_a_training_on_the_cpu_beside_a_gpu_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    require_processes(LAUNCH / "cpu.yaml")
    assert "cpu.yaml trains on the CPU, though there is a GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "processes"),
    [
        ("cpu", Processes(1, 1, True)),
        ("cpu-2", Processes(2, 1, True)),
        ("gpu", Processes(1, 1, False)),
        ("fsdp", Processes(8, 8, False)),
    ],
)
def test_a_launch_file_says_how_many_processes_share_the_weights(name: str, processes: Processes) -> None:
    assert read_processes(LAUNCH / f"{name}.yaml") == processes
