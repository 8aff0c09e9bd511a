"""plan: counts what a run has left, assumes what none has, and counts the cells that are there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from dvc.repo import Repo

from bench.planted import planted_grid
from m2m.commands import plan
from m2m.grid import grid_plan, rungs
from m2m.grid.design import list_cells
from m2m.grid.dvc_experiments import Experiment
from m2m.grid.named_parts import list_selectors
from m2m.grid.provenance import add_hardware
from m2m.llm.client.reply_cache import CachedReply, ReplyCache, cache_folder
from m2m.planning.llama_shapes import LlamaShape
from m2m.planning.staging import check_schedule
from m2m.planning.training_memory import TrainingSetup, estimate_memory
from m2m.runtime.artifacts import write_table
from m2m.schemas.grid import Grid
from m2m.schemas.prompts import Prompts
from m2m.schemas.tokens import Tokens

SCRATCH = LlamaShape(4096, 192, 512, 4, 4, 4, True)
ROOT = Path(__file__).parents[2]
STAGES = ("strategy", "subset", "finetune", "generate")
NAMES = [f"{stage}@{arm}" for stage in STAGES for arm in ("candidate", "opponent")] + ["judge", "measure", "ingest"]


def lock(**cell: Any) -> Any:
    """What DVC would have locked of one run, cut down to what tells cells apart."""
    told = {name: {"cmd": f"run {name}", "params": {}, "deps": {"stages/a.py": "1"}, "outs": {}} for name in NAMES}
    told["subset@candidate"]["params"] = {"subset": cell}
    return told


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "profiles/launch", tmp_path / "profiles/launch")
    (tmp_path / "dvc.lock").write_text("")
    Repo.init(str(tmp_path), no_scm=True).close()
    for side, texts in {"instruction": [[1, 2], [3]], "response": [[1, 2, 3], [4, 5]]}.items():
        table = pl.DataFrame({"id": ["a", "b"], "tokens": texts}, schema={"id": pl.String, "tokens": pl.List(pl.Int32)})
        write_table(tmp_path / f"data/tokens/{side}.parquet", Tokens, table)
    prompts = {name: [None] * 3 for name in ("reference", "baseline", "baseline_answer")}
    prompts |= {"id": ["x", "y", "z"], "benchmark": ["own"] * 3, "group": ["own"] * 3, "instruction": ["p", "q", "r"]}  # type: ignore[list-item]
    table = pl.DataFrame(prompts, schema=dict.fromkeys(Prompts.to_schema().columns, pl.String))
    write_table(tmp_path / "data/prompts.parquet", Prompts, table)
    return tmp_path


def told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    known: Any,
    now: Any,
    held: Any = (),
    **asked: Any,
) -> Any:
    monkeypatch.setattr(grid_plan, "read_lock", lambda: known)
    monkeypatch.setattr(grid_plan, "predict_lock", lambda _: now)
    monkeypatch.setattr(grid_plan, "read_experiments", lambda: list(held))
    monkeypatch.setattr(rungs, "read_experiments", lambda: list(held))
    defaults: dict[str, Any] = {"gpu": "h100", "full": True}
    plan.main(**(defaults | asked))
    return {line[:24].strip(): line[24:] for line in capsys.readouterr().out.splitlines()}


def test_a_run_with_these_settings_is_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(monkeypatch, capsys, lock(), lock())
    assert found["pool"] == "2 rows of 2 + 2 tokens, counted"
    assert "to 3 prompts (own 3)" in found["answers"]
    need = estimate_memory(SCRATCH, TrainingSetup("full", 16, "float32", 2, 1024, 4, False, 1))
    assert found["training memory"].startswith(f"{need.peak / 1e9:.3g} GB at most (weights 0.01, adam 0.02, ")
    assert "; 2 rows × 1,024 tokens × 4,096 types at once), of " in found["training memory"]
    assert "stale stages" not in found


def test_the_scores_of_an_llm_are_in_the_calls_and_the_total(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    settings["rate"]["engine"] = "endpoint"
    settings["subset"]["quality"] = "llm_complexity*llm_quality"
    (folder / "params.yaml").write_text(yaml.safe_dump(settings))
    found = told(monkeypatch, capsys, lock(), lock())
    calls, total = (" ".join(found[name].split()) for name in ("LLM calls, rate", "total"))
    assert calls == "4; 771 prompt tokens, 8 reply tokens"  # 2 rows of 1.5 + 2.5 tokens, 190 of each template
    assert "4 LLM calls with 779 tokens" in total


@pytest.mark.parametrize(
    "change", [{"cmd": "run ingest --seed 2"}, {"params": {"ingest": 2}}, {"deps": {"stages/a.py": "2"}}]
)
def test_other_settings_or_code_are_assumed_and_nothing_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: Any
) -> None:
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    cells = list_cells(settings["grid"]["parts"], settings["subset"], "full")
    held = [Experiment("one", "0" * 40, lock(**cells[0]), {})]
    now = lock()
    now["ingest"] |= change
    found = told(monkeypatch, capsys, lock(), now, held)
    assert found["stale stages"] == "ingest"
    assert found["pool"].startswith("7,360 rows of 100 + 500 tokens, assumed")
    assert ", 0 exist" in found["cells"]


def test_cells_that_experiments_hold_are_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    cells = list_cells(settings["grid"]["parts"], settings["subset"], "full")
    other = cells[0] | {"size": 7}
    held = [Experiment(str(at), "0" * 40, lock(**cell), {}) for at, cell in enumerate([*cells[:3], other])]
    found = told(monkeypatch, capsys, lock(), lock(), held)
    assert found["cells"].startswith(f"{len(cells)} in the full grid of params.yaml, 3 exist")


def test_cells_of_a_cluster_count_by_their_hardware(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    cells = list_cells(settings["grid"]["parts"], settings["subset"], "full")[:6]
    kinds = ["", "", "EPYC", "EPYC", "EPYC", "Xeon"]
    locks = [add_hardware(lock(**cell), kind) for cell, kind in zip(cells, kinds, strict=True)]
    held = [Experiment(str(at), "0" * 40, one, {}) for at, one in enumerate(locks)]
    assert ", 3 exist" in told(monkeypatch, capsys, lock(), lock(), held)["cells"]


def test_kept_replies_are_told_by_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replies = ReplyCache(cache_folder())
    replies.keep(CachedReply("k", "tiny", "", "{}", "{}", 30, 12))
    replies.close()
    assert told(monkeypatch, capsys, lock(), lock())["replies of tiny"] == "1 cached, 42 tokens, not paid again"


def test_a_model_that_nothing_here_knows_gets_a_plan_that_names_the_gap(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "params.yaml"
    path.write_text(path.read_text().replace("name: scratch #", "name: owner/none #"))
    found = told(monkeypatch, capsys, lock(), lock(), price=2.0)
    assert found["base model"].startswith("owner/none, hours and bytes are not in the plan: The size of owner/none at")
    assert "Run hf download" in found["base model"]
    assert found["trainings"].endswith("1 opponent") and "hours" not in found
    assert found["total"] == "hours unknown (the model's size is not known)"


def test_a_machine_without_a_gpu_counts_its_own_hours(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(grid_plan, "list_gpus", list)
    found = told(monkeypatch, capsys, lock(), lock(), gpu="auto")
    assert found["CPU"] == "this machine's CPU, all cores (launch: profiles/launch/cpu.yaml)"
    assert "CPU" in found["hours"] and "GPU-" not in " ".join(found.values()).replace("CPU-", "")
    assert found["base training"] == "700 k tokens, once"


@pytest.fixture
def two_gpus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose nvidia-smi knows an A100 of 40 GB and an L4 of 24 GB; its folder of tools."""
    tools, gpus = folder / "tools", {"0": ("NVIDIA A100-SXM4-40GB", 40960), "1": ("NVIDIA L4", 23034)}
    tools.mkdir()
    cases = [("-L", "\\n".join(f"GPU {index}: {name}" for index, (name, _) in gpus.items()))]
    for index, (name, mebibytes) in gpus.items():
        cases += [(f"--id={index} --query-gpu=name", name), (f"--id={index} --query-gpu=memory.total", str(mebibytes))]
    cases.append(("--id=0,1 --query-gpu=memory.total", "40960\\n23034"))
    lines = "".join(f'"{words}"*) printf "{answer}\\n";;\n' for words, answer in cases)
    (tools / "nvidia-smi").write_text(f'#!/bin/sh\ncase "$*" in\n{lines}*) exit 6;;\nesac\n')
    (tools / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tools


def launch_on_gpu(folder: Path) -> None:
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    settings |= {"launch": "profiles/launch/gpu.yaml"}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings))


@pytest.mark.usefixtures("two_gpus")
def test_a_launch_on_the_cpu_counts_cpu_hours_on_a_machine_with_gpus(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(monkeypatch, capsys, lock(), lock(), gpu="auto")
    assert found["CPU"] == "this machine's CPU, all cores (launch: profiles/launch/cpu.yaml)" and "GPU" not in found
    assert "CPU-" in found["total"]


@pytest.mark.usefixtures("two_gpus")
def test_the_first_usable_gpu_gives_the_hours_and_the_smallest_one_the_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch_on_gpu(folder)
    devices = {"": ("A100", 23034), "0": ("A100", 40960), "1": ("L4", 23034), "1,9": None}
    for visible, device in devices.items():
        if visible:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        if device is None:
            with pytest.raises(ValueError, match=r"nvidia-smi gives no name or no memory of the GPUs 1,9\. Name one"):
                told(monkeypatch, capsys, lock(), lock(), gpu="auto")
            continue
        found = told(monkeypatch, capsys, lock(), lock(), gpu="auto")
        assert found["GPU"] == f"{device[0]} at 40% of its peak"
        assert f"of {device[1] * 2**20 / 1e9:.3g} GB" in found["training memory"]


def test_gpus_that_are_named_where_nvidia_smi_is_missing_are_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("PATH", str(folder))
    assert "CPU" in told(monkeypatch, capsys, lock(), lock(), gpu="auto")
    launch_on_gpu(folder)
    with pytest.raises(ValueError, match=r"nvidia-smi gives no name or no memory of the GPUs 0\. Name one"):
        told(monkeypatch, capsys, lock(), lock(), gpu="auto")


def test_the_rows_are_known_once_ingest_has_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"id": list("abc")}).write_parquet(folder / "data/pool.parquet")
    (folder / "data/prompts.parquet").unlink()
    assert told(monkeypatch, capsys, lock(), lock())["pool"] == (
        "3 rows of 100 + 500 tokens, rows counted by ingest, tokens assumed"
    )
    assert told(monkeypatch, capsys, lock(), lock(), rows=9)["pool"].startswith("9 rows of 100 + 500 tokens, assumed")


def test_a_staged_grid_is_planned_with_all_its_rungs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    first = list_cells(settings["grid"]["parts"], settings["subset"], "staged")
    configurations = sum(cell["strategy"] != "random" for cell in first)
    count = check_schedule(**settings["grid"]["staged"]).count_cells(configurations) + 3
    found = told(monkeypatch, capsys, lock(), lock(), full=False)
    assert found["cells"].startswith(f"{count} in the staged grid of params.yaml, 0 exist")
    assert found["trainings"].startswith(f"{count + 1}: ")


def test_the_cells_of_a_staged_grid_are_counted_by_the_outcomes_so_far(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last configuration of rung 1 is the best, and its cell of rung 2 is there too."""
    settings = yaml.safe_load((folder / "params.yaml").read_text())
    first = [cell | {"seed": 1} for cell in list_cells(settings["grid"]["parts"], settings["subset"], "staged")]
    racing = [cell for cell in first if cell["strategy"] != "random"]
    cells = [*racing, racing[-1] | {"seed": 2}]
    held = [Experiment(str(at), "0" * 40, lock(**cell), {"bpb_reduction": float(at)}) for at, cell in enumerate(cells)]
    assert f", {len(cells)} exist" in told(monkeypatch, capsys, lock(), lock(), held, full=False)["cells"]


def test_the_power_is_that_of_the_noise_in_a_pilots_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        "there is no grid.csv in metrics/own or metrics/pilot or metrics"
        in told(monkeypatch, capsys, lock(), lock())["smallest gain"]
    )
    with pytest.raises(ValueError, match="Run `m2m grid --pilot`"):
        told(monkeypatch, capsys, lock(), lock(), detect=0.003)
    write_table(folder / "metrics/pilot/grid.csv", Grid, planted_grid(noise=0.002, seeds=9))
    found = told(monkeypatch, capsys, lock(), lock(), detect=0.004)
    noise = float(found["noise"].split()[0])
    assert noise == pytest.approx(0.002, rel=0.15)
    assert "cells of metrics/pilot/grid.csv (noise of prompts left out: " in found["noise"]
    assert "bundled" not in found["noise"] and "with --staged" in found
    assert found["a gain of 0.004"].startswith("bpb, 80 % power: ")


@pytest.mark.parametrize("number", [-5.0, 0.0, float("nan"), float("inf")])
@pytest.mark.parametrize(
    "flag", ["rows", "tokens_per_second", "instruction_tokens", "response_tokens", "price", "token_price", "detect"]
)
def test_a_number_that_is_not_finite_and_above_0_is_refused(flag: str, number: float) -> None:
    message = f"--{flag.replace('_', '-')} must be a finite number above 0, got {number:g}"
    with pytest.raises(ValueError, match=re.escape(message)):
        plan.main(**{flag: number})  # type: ignore[arg-type]


@pytest.mark.parametrize("flag", ["bake_off", "sizes"])
def test_a_quick_grid_of_another_kind_is_refused_by_the_flags_that_were_typed(flag: str) -> None:
    with pytest.raises(ValueError, match=f"^--quick and --{flag.replace('_', '-')} are different grids: choose one$"):
        plan.main(quick=True, **{flag: True})  # type: ignore[arg-type]


def test_a_share_of_the_peak_is_a_share(folder: Path) -> None:
    with pytest.raises(ValueError, match="at most 1, got 40"):
        plan.main(mfu=40)


def test_the_bake_off_and_the_sizes_are_planned_by_what_a_run_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = yaml.safe_load(Path("params.yaml").read_text())
    selectors = list_selectors(settings)[0]
    bake_off = told(monkeypatch, capsys, lock(), lock(), bake_off=True, full=False)
    cells = 2 * (5 * len(selectors) + 3)  # five seeds of each at two budgets, three more of random
    assert bake_off["cells"].startswith(f"{cells} in the bake-off of params.yaml, 0 exist")
    assert bake_off["time"].startswith(f"{cells * settings['grid']['seconds'] / 3600:,.1f} h")
    sizes = told(monkeypatch, capsys, lock(), lock(), sizes=True, full=False)
    assert sizes["cells"].startswith(
        "2 in the sizes of params.yaml"
    )  # the pool has two rows: it is an arm, no size is smaller
    with pytest.raises(ValueError, match="--bake-off and --sizes are different grids: choose one"):
        plan.main(bake_off=True, sizes=True)


def test_a_plan_waits_for_no_compiler_and_no_model() -> None:
    heavy = {"numba", "sklearn", "torch", "transformers", "mlflow", "altair"}
    script = f"import sys, m2m.grid.grid_plan, m2m.grid.power_plan; assert not {heavy} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0
