import ast
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from m2m.training.finetuning import checkpoint_manifest
from m2m.training.finetuning.checkpoint_manifest import complete_checkpoint, set_aside_damaged
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


def test_the_latest_checkpoint_is_that_of_most_steps_whatever_the_clock_said(tmp_path: Path) -> None:
    for step, seconds in ((9, 2_000_000_000), (10, 1_000_000_000)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}/complete").touch()
        for path in (tmp_path / f"checkpoint-{step}/complete", tmp_path / f"checkpoint-{step}"):
            os.utime(path, (seconds, seconds))
    assert find_latest_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def write_checkpoint(folder: Path, step: int) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.pt", "training_args.bin"):
        (checkpoint / name).write_bytes(f"{name} of step {step}".encode())
    complete_checkpoint(checkpoint)
    return checkpoint


def damage(checkpoint: Path, kind: str) -> None:
    path = checkpoint / "optimizer.pt"
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif kind == "other bytes":
        path.write_bytes(path.read_bytes()[::-1])
    elif kind == "zeros":
        path.write_bytes(bytes(path.stat().st_size))
    elif kind == "missing":
        path.unlink()
    elif kind == "added":
        (checkpoint / "rng_state.pth").write_bytes(b"a pickle")
    else:
        (checkpoint / "complete").write_text(kind)


@pytest.mark.parametrize("kind", ["cut", "other bytes", "zeros", "missing", "added", "", "{", "[]"])
def test_from_a_damaged_checkpoint_the_training_goes_on_with_the_older_one(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    older, newer = (write_checkpoint(tmp_path / ".cache/checkpoints/key", step) for step in (9, 10))
    damage(newer, kind)
    with pytest.raises(KeyboardInterrupt), lock_checkpoint_folder("key", first=True) as folder:
        assert find_latest_checkpoint(folder) == older
        assert (folder / "damaged-checkpoint-10").is_dir()
        raise KeyboardInterrupt
    assert f"{newer} is damaged, so the training goes on from an older checkpoint" in capsys.readouterr().err
    damage(write_checkpoint(folder, 10), kind)
    damage(older, kind)
    with lock_checkpoint_folder("key", first=True) as folder:
        assert find_latest_checkpoint(folder) is None
        assert len(list(folder.glob("damaged-*"))) == 3
    assert not folder.exists()


def test_whole_checkpoints_stay_and_hold_no_file_that_is_never_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = write_checkpoint(tmp_path, 9)
    set_aside_damaged(tmp_path)
    assert sorted(path.name for path in checkpoint.iterdir()) == ["complete", "model.safetensors", "optimizer.pt"]
    assert find_latest_checkpoint(tmp_path) == checkpoint
    assert capsys.readouterr().err == ""


def test_it_is_called_complete_only_when_every_byte_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut at any fsync leaves no manifest, or one whose files were flushed before."""
    flushed: list[str] = []
    real = checkpoint_manifest.flush

    def flush(path: Path) -> None:
        assert not (tmp_path / "checkpoint-9/complete").exists() or path.name == "checkpoint-9"
        flushed.append(path.name)
        real(path)

    monkeypatch.setattr(checkpoint_manifest, "flush", flush)
    write_checkpoint(tmp_path, 9)
    assert flushed == ["model.safetensors", "optimizer.pt", "checkpoint-9", ".complete", "checkpoint-9"]


def test_one_changed_bit_in_the_middle_of_a_large_optimizer_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older, newer = (write_checkpoint(tmp_path, step) for step in (9, 10))
    with (newer / "optimizer.pt").open("wb") as file:
        file.truncate(2**27 + 2**20)
    complete_checkpoint(newer)
    with (newer / "optimizer.pt").open("r+b") as file:
        file.seek(2**26 + 2**19)
        file.write(b"\x01")
    set_aside_damaged(tmp_path)
    assert find_latest_checkpoint(tmp_path) == older
    assert "checkpoint-10 is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["transformers.trainer", "accelerate.utils.fsdp_utils"])
def test_what_resumes_a_training_loads_no_pickle_with_code_in_it(module: str) -> None:
    """Every torch.load of the libraries that read a checkpoint says weights_only, which runs no code."""
    origin = find_spec(module).origin
    calls = [node for node in ast.walk(ast.parse(Path(origin).read_text())) if isinstance(node, ast.Call)]
    loads = [call for call in calls if ast.unparse(call.func) == "torch.load"]
    assert len(loads) >= 3
    for call in loads:
        assert {word.arg: ast.unparse(word.value) for word in call.keywords}["weights_only"] == "True"


def test_files_in_another_order_are_the_same_key_and_bytes_under_other_names_are_not(tmp_path: Path) -> None:
    one, two = tmp_path / "model-1.safetensors", tmp_path / "model-2.safetensors"
    one.write_bytes(b"1"), two.write_bytes(b"2")
    key = hash_training([one, two], {})
    assert key == hash_training([two, one], {})
    two.rename(tmp_path / "model-3.safetensors")
    assert key != hash_training([one, tmp_path / "model-3.safetensors"], {})
