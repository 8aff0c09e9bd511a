import os
import subprocess
from pathlib import Path

import pytest

from m2m.grid import gpu_locks


def test_only_gpus_that_we_were_given_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert gpu_locks.list_gpus() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_locks.list_gpus() == []


def test_gpus_are_those_that_nvidia_smi_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: one'\necho '  MIG 1g'\necho 'GPU 1: two'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert gpu_locks.list_gpus() == ["0", "1"]


def test_a_free_gpu_is_ours_alone_until_we_and_who_inherits_it_are_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu_locks, "LOCKS", tmp_path / "locks")
    with gpu_locks.hold_free_gpus([["7"]], 1) as mine:
        assert mine.devices == "7"
        with gpu_locks.hold_free_gpus([["7"]], 1) as theirs:
            assert theirs is None
        heir = subprocess.Popen(["sleep", "60"], pass_fds=mine.locks)
    with gpu_locks.hold_free_gpus([["7"]], 1) as theirs:
        assert theirs is None
    heir.kill()
    heir.wait()
    with gpu_locks.hold_free_gpus([["7"]], 1) as again:
        assert again.devices == "7"


def test_a_device_may_have_any_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu_locks, "LOCKS", tmp_path / "locks")
    with gpu_locks.hold_free_gpus([["MIG-GPU-1a/2/0"]], 1) as free:
        assert free.devices == "MIG-GPU-1a/2/0"


def test_no_device_is_no_free_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu_locks, "LOCKS", tmp_path / "locks")
    with gpu_locks.hold_free_gpus([], 2) as free:
        assert free is None


def test_gpus_that_train_together_are_ours_all_or_none_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu_locks, "LOCKS", tmp_path / "locks")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")
    pairs = gpu_locks.group_gpus(2)
    assert pairs == [["0", "1"], ["2", "3"]]
    with gpu_locks.hold_free_gpus([["1"]], 1), gpu_locks.hold_free_gpus(pairs, 2) as free:
        assert free.devices == "2,3"
        assert len(free.locks) == 2
        with gpu_locks.hold_free_gpus(pairs, 2) as none, gpu_locks.hold_free_gpus([["0"]], 1) as left:
            assert none is None
            assert left.devices == "0"


def test_fewer_gpus_than_one_training_takes_is_one_sentence_and_none_is_no_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ValueError, match=r"starts 8 processes, a GPU each, but there are 2 GPUs\. Change num"):
        gpu_locks.group_gpus(8)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_locks.group_gpus(8) == []
