from pathlib import Path

import pytest
import torch

from m2m.training.finetuning.launch import (
    SET_BY_LAUNCHER,
    Processes,
    count_gpus,
    read_processes,
    require_processes,
    start_processes,
)

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


def list_launched(monkeypatch: pytest.MonkeyPatch, launch: Path) -> list[list[str]]:
    """The command lines that this process would be replaced by."""
    launched: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, words: launched.append(words))
    monkeypatch.setattr("sys.argv", ["finetune.py", "--seed", "1"])
    start_processes(launch, "stages.finetune")
    return launched


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_one_plain_process_needs_no_launcher(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SET_BY_LAUNCHER, raising=False)
    assert list_launched(monkeypatch, LAUNCH / f"{name}.yaml") == []


@pytest.mark.parametrize("name", ["cpu-2", "fsdp", "machines"])
def test_several_processes_are_started_by_accelerate_with_the_flags_of_the_stage(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SET_BY_LAUNCHER, raising=False)
    [words] = list_launched(monkeypatch, LAUNCH / f"{name}.yaml")
    assert words[1:3] == ["-m", "accelerate.commands.launch"]
    assert words[-6:] == ["--config_file", str(LAUNCH / f"{name}.yaml"), "-m", "stages.finetune", "--seed", "1"]
    monkeypatch.setenv(SET_BY_LAUNCHER, "no")
    assert list_launched(monkeypatch, LAUNCH / f"{name}.yaml") == []


@pytest.mark.parametrize("line", ["mixed_precision: bf16", "gpu_ids: '1'", "num_machines: 2"])
def test_a_launch_file_that_asks_for_more_than_a_plain_process_gets_the_launcher(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SET_BY_LAUNCHER, raising=False)
    (tmp_path / "own.yaml").write_text(f"use_cpu: true\nnum_processes: 1\n{line}\n")
    assert len(list_launched(monkeypatch, tmp_path / "own.yaml")) == 1


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
