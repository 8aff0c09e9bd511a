"""Sharded training (FSDP 2) without a GPU: two processes on the CPU, which accelerate itself would not shard."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from ruamel.yaml import YAML

from m2m.training.finetuning.collation import EMPTY_ROW

ROOT = Path(__file__).parents[3]
ROWS = [([5 + at % 3, 6], [7 + at % 5, 8, *range(9, 9 + at), 0]) for at in range(23)]

WORKER = """
import os, sys, time
from pathlib import Path
import accelerate.state
from accelerate.utils import DistributedType
# the one thing that is not as on GPUs: tensors stay on the CPU (ACCELERATE_TORCH_DEVICE) and go through gloo
accelerate.state.PartialState._prepare_backend = lambda self, *_, **__: ("gloo", DistributedType.MULTI_GPU)
from m2m.training.finetuning import finetune as finetuning
from m2m.models import load_tokenizer
from tests_fsdp_facts import RECIPE, ROWS

def save(trainer, method, folder):
    from torch.distributed.tensor import DTensor
    weights = list(trainer.model.parameters())
    assert all(isinstance(one, DTensor) and one.to_local().numel() < one.numel() for one in weights), "not cut"
    right(trainer, method, folder)

right, finetuning._save = finetuning._save, save

def saving(trainer, minutes):
    callback = rightly(trainer, minutes)
    saved = callback.write_checkpoint
    if not minutes:  # the first checkpoint is the last: here it is killed
        callback.write_checkpoint = lambda *words, **named: (saved(*words, **named), time.sleep(600))
    return callback

rightly, finetuning.make_save_callback = finetuning.make_save_callback, saving
base, folder, method = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
losses = finetuning.finetune(
    base, load_tokenizer(base), ROWS, folder, finetuning.Recipe(**RECIPE | {"method": method}),
    name="candidate", checkpoint_minutes=float(sys.argv[4]), params={}, write_curve=len,
)
if os.environ["RANK"] == "0":
    print("losses", *(one.loss for one in losses))
"""
RECIPE: dict[str, Any] = {
    "seed": 1,
    "method": "full",
    "lora_rank": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
    "lora_targets": "all-linear",
    "batch_size": 4,
    "accumulate": 1,
    "learning_rate": 0.01,
    "warmup_share": 0.1,
    "packing": "none",
    "attention": "sdpa",
    "gradient_checkpointing": "none",
    "dtype": "float32",
    "kernels": "none",
    "optimizer": "adamw",
}


def sharding() -> dict[str, str]:
    """What the launch file tells accelerate, as the environment that its launcher makes of it."""
    written = YAML(typ="safe").load(ROOT / "profiles/launch/fsdp.yaml")["fsdp_config"]
    told = {
        name.upper(): str(value).lower() if isinstance(value, bool) else str(value) for name, value in written.items()
    }
    return told | {"ACCELERATE_USE_FSDP": "true", "ACCELERATE_TORCH_DEVICE": "cpu"}


def begun(folder: Path, name: str, method: str, checkpoint_minutes: float) -> subprocess.Popen[str]:
    """Two processes that train the folder's base to `name` and print the losses."""
    store = {"DVC_ROOT": str(folder / name), "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/{name}.db"}
    env = os.environ | sharding() | store | {"PYTHONPATH": f"{ROOT}:{folder}", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words += [str(folder / "worker.py"), str(folder / "base"), str(folder / name), method, str(checkpoint_minutes)]
    return subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[list[float], str]:
    """The losses, and what else was told."""
    out, told = process.communicate()
    assert process.returncode == 0, told
    return [float(word) for line in out.splitlines() if line.startswith("losses") for word in line.split()[1:]], told


class Cut(NamedTuple):
    """What two sharded processes have learnt, undisturbed, to `folder`/cut; beside it their base and their code."""

    folder: Path
    method: str
    losses: list[float]


@pytest.fixture(scope="module", params=["full", "lora"])
def cut(request: pytest.FixtureRequest, tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from m2m.training.pretrain import build_model

    folder = tmp_path_factory.mktemp("sharded")
    build_model(tokenizer, hidden_size=32, layers=2, heads=2, context=64, seed=1).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    (folder / "worker.py").write_text(WORKER)
    (folder / "tests_fsdp_facts.py").write_text(f"RECIPE = {RECIPE!r}\nROWS = {[*ROWS, EMPTY_ROW]!r}\n")
    losses, told = ended(begun(folder, "cut", request.param, 10))
    assert "train candidate: 6/6" in told
    return Cut(folder, request.param, losses)


def same_weights(one: Path, other: Path, most: float) -> bool:
    from m2m.models import load_model

    here, there = (load_model(folder, "float32").state_dict() for folder in (one, other))
    return here.keys() == there.keys() and all(here[name].sub(there[name]).abs().max() <= most for name in here)


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_sharded_processes_learn_what_one_whole_model_learns(
    cut: Any, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from m2m.training.finetuning.finetune import Recipe, finetune

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    recipe = Recipe(**RECIPE | {"method": cut.method})
    named: dict[str, Any] = {"name": "candidate", "checkpoint_minutes": 10, "params": {}, "write_curve": len}
    whole = finetune(cut.folder / "base", tokenizer, [*ROWS, EMPTY_ROW], tmp_path / "whole", recipe, **named)
    assert cut.losses == pytest.approx([one.loss for one in whole], abs=1e-4)
    assert same_weights(tmp_path / "whole", cut.folder / "cut", 2e-3)


@pytest.mark.long
@pytest.mark.filterwarnings("default")
def test_killed_sharded_processes_go_on_and_end_as_undisturbed_ones(cut: Any) -> None:
    killed = begun(cut.folder, "killed", cut.method, 0)
    until = time.monotonic() + 300
    while not list(cut.folder.glob("killed/.cache/checkpoints/*/checkpoint-1/complete")) and time.monotonic() < until:
        time.sleep(0.1)
    for process in [*psutil.Process(killed.pid).children(recursive=True), killed]:
        process.kill()
    killed.communicate()
    assert not (cut.folder / "killed" / "model.safetensors").exists()
    losses, told = ended(begun(cut.folder, "killed", cut.method, 10))
    assert "train candidate: 5/5" in told
    assert losses == pytest.approx(cut.losses, abs=1e-6)
    assert len(losses) == 2  # of steps 1 and 5: the one before the kill, the other after
    assert same_weights(cut.folder / "cut", cut.folder / "killed", 1e-6)
