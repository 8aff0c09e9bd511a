"""Sharded training (FSDP 2) without a GPU: two processes on the CPU, which accelerate itself would not shard."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.io.collation import EMPTY

ROOT = Path(__file__).parents[2]
ROWS = [([5 + at % 3, 6], [7 + at % 5, 8, *range(9, 9 + at), 0]) for at in range(15)]

WORKER = """
import os, sys
from pathlib import Path
import accelerate.state
from accelerate.utils import DistributedType
# the one thing that is not as on GPUs: tensors stay on the CPU (ACCELERATE_TORCH_DEVICE) and go through gloo
accelerate.state.PartialState._prepare_backend = lambda self, *_, **__: ("gloo", DistributedType.MULTI_GPU)
from stages.io import finetuning
from stages.io.models import load_tokenizer
from tests_fsdp_facts import RECIPE, ROWS

def save(trainer, method, folder):
    from torch.distributed.tensor import DTensor
    weights = list(trainer.model.parameters())
    assert all(isinstance(one, DTensor) and one.to_local().numel() < one.numel() for one in weights), "not cut"
    right(trainer, method, folder)

right, finetuning._save = finetuning._save, save
base, folder, method = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
losses = finetuning.finetune(
    base, load_tokenizer(base), ROWS, folder, finetuning.Recipe(**RECIPE | {"method": method}),
    name="candidate", checkpoint_minutes=10, params={},
)
if os.environ["RANK"] == "0":
    print("losses", *(one.loss for one in losses))
"""
RECIPE = {
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
}


def sharding() -> dict[str, str]:
    """What the launch file tells accelerate, as the environment that its launcher makes of it."""
    written = YAML(typ="safe").load(ROOT / "profiles/launch/fsdp.yaml")["fsdp_config"]
    told = {
        name.upper(): str(value).lower() if isinstance(value, bool) else str(value) for name, value in written.items()
    }
    return told | {"ACCELERATE_USE_FSDP": "true", "ACCELERATE_TORCH_DEVICE": "cpu"}


@pytest.mark.long
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("method", ["full", "lora"])
def test_sharded_processes_learn_what_one_whole_model_learns(llama, tokenizer, tmp_path, monkeypatch, method):
    from stages.io.finetuning import Recipe, finetune
    from stages.io.models import load_model

    llama.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    rows = [*ROWS, EMPTY]
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "tests_fsdp_facts.py").write_text(f"RECIPE = {RECIPE!r}\nROWS = {rows!r}\n")
    store = {"DVC_ROOT": str(tmp_path), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db"}
    env = os.environ | sharding() | store | {"PYTHONPATH": f"{ROOT}:{tmp_path}", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words += [str(tmp_path / "worker.py"), str(tmp_path / "base"), str(tmp_path / "cut"), method]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cut = [float(word) for line in done.stdout.splitlines() if line.startswith("losses") for word in line.split()[1:]]

    for name, value in store.items():
        monkeypatch.setenv(name, value)

    recipe = Recipe(**RECIPE | {"method": method})
    named = {"name": "candidate", "checkpoint_minutes": 10, "params": {}}
    whole = finetune(tmp_path / "base", tokenizer, rows, tmp_path / "whole", recipe, **named)
    assert cut == pytest.approx([one.loss for one in whole], abs=1e-4)
    one, two = (load_model(tmp_path / name, "float32").state_dict() for name in ("whole", "cut"))
    assert one.keys() == two.keys()
    assert all(one[name].sub(two[name]).abs().max() < 2e-3 for name in one)
