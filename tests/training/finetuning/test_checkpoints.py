from pathlib import Path

import pytest

from m2m.training.finetuning.checkpoints import find_latest_checkpoint, hash_training, lock_checkpoint_folder


def test_another_byte_or_another_fact_is_another_key(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"1")
    key = hash_training([tmp_path / "weights"], {"seed": 1})
    assert key == hash_training([tmp_path / "weights"], {"seed": 1})
    assert key != hash_training([tmp_path / "weights"], {"seed": 2})
    (tmp_path / "weights").write_bytes(b"2")
    assert key != hash_training([tmp_path / "weights"], {"seed": 1})


def test_the_folder_is_outside_of_a_queue_copy_and_gone_when_all_went_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with lock_checkpoint_folder("key", first=True) as folder:
        assert folder == tmp_path / ".cache/checkpoints/key"
        assert folder.is_dir()
    assert not folder.exists()


def test_the_folder_stays_when_the_training_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(RuntimeError), lock_checkpoint_folder("key", first=True) as folder:
        raise RuntimeError
    assert folder.is_dir()


def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(tmp_path: Path) -> None:
    assert find_latest_checkpoint(tmp_path) is None
    for step in (9, 10, 11):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}/complete").touch()
    assert find_latest_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_files_in_another_order_are_the_same_key_and_bytes_under_other_names_are_not(tmp_path: Path) -> None:
    one, two = tmp_path / "model-1.safetensors", tmp_path / "model-2.safetensors"
    one.write_bytes(b"1"), two.write_bytes(b"2")
    key = hash_training([one, two], {})
    assert key == hash_training([two, one], {})
    two.rename(tmp_path / "model-3.safetensors")
    assert key != hash_training([one, tmp_path / "model-3.safetensors"], {})
