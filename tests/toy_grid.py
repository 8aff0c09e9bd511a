"""A repository whose cells take a moment: one shared stage and two of a cell's, with a git and a DVC remote.

`python -m tests.toy_grid COUNT [--on ADDRESS]` in its clone runs COUNT cells here or on a Ray cluster, as `m2m grid`
would.
"""

import os
import sys
from pathlib import Path

import psutil

from m2m.grid.machines import remote_runner
from m2m.grid.machines.grid_remotes import push_snapshot, require_remotes
from m2m.grid.machines.hardware import Needs
from m2m.grid.machines.node_program import build_program
from m2m.grid.machines.ray_cells import open_ray
from m2m.grid.queued_commit import write_snapshot
from m2m.grid.runner import run_cells
from m2m.grid.workers import LOGS, stop_on_signals
from m2m.node_facts import read_driver_facts
from tests.test_smoke import run

SHARED = """import os
open("shared.txt", "w").write("shared")
print("shared", file=open(os.environ["TOY_RUNS"], "a"))
"""
TRAIN = """import os, sys, time, yaml
subset = yaml.safe_load(open("params.yaml"))["subset"]
name = f"{subset['strategy']}-{subset['seed']}"
print("begin", name, file=open(os.environ["TOY_RUNS"], "a"))
time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
if name in os.environ.get("TOY_FAILS", "").split():
    sys.exit(f"{name} cannot be trained")
open("model.txt", "w").write(open("shared.txt").read() + name)
"""
MEASURE = """import json, os
model = open("model.txt").read()
os.makedirs("metrics", exist_ok=True)
json.dump({"outcome": sum(map(ord, model))}, open("metrics/cell.json", "w"))
print("end", model.removeprefix("shared"), file=open(os.environ["TOY_RUNS"], "a"))
"""
PIPELINE = """stages:
  prepare:
    cmd: python shared.py
    deps: [shared.py]
    outs: [shared.txt]
  train:
    cmd: python train.py
    deps: [train.py, shared.txt]
    params: [subset]
    outs: [model.txt]
  measure:
    cmd: python measure.py
    deps: [measure.py, model.txt]
    metrics:
      - metrics/cell.json:
          cache: false
"""


def make_toy_repository(folder: Path) -> Path:
    """The driver's clone, whose shared stage has run; beside it origin.git, store (DVC's remote) and runs.log."""
    clone = folder / "clone"
    clone.mkdir(parents=True)
    (folder / "store").mkdir()
    os.environ["TOY_RUNS"] = str(folder / "runs.log")
    files = {"shared.py": SHARED, "train.py": TRAIN, "measure.py": MEASURE, "dvc.yaml": PIPELINE}
    files |= {"params.yaml": "subset:\n  strategy: random\n  seed: 0\n", "constraints.txt": "dvc==3\n"}
    for name, text in files.items():
        (clone / name).write_text(text)
    run(folder, "git", "init", "--quiet", "--bare", "origin.git")
    run(clone, "git", "init", "--quiet", "--initial-branch=main")
    run(clone, "git", "remote", "add", "origin", str(folder / "origin.git"))
    dvc = (sys.executable, "-m", "dvc")
    run(clone, *dvc, "init", "--quiet")
    run(clone, *dvc, "remote", "add", "--default", "store", str(folder / "store"))
    run(clone, *dvc, "repro", "--quiet", "prepare")
    run(clone, "git", "add", ".")
    run(clone, "git", "commit", "--quiet", "--message", "toy")
    return clone


def list_toy_cells(count: int) -> dict[str, list[str]]:
    """Overrides of `count` cells by name."""
    return {f"toy-s{seed}": ["subset.strategy=response", f"subset.seed={seed}"] for seed in range(count)}


def run_toy_grid(address: str, count: int) -> list[str]:
    """Run the cells on the Ray cluster; the names of those that failed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    driver = read_driver_facts(Path("constraints.txt"))
    engine, _ = open_ray(address, build_program(), Needs(1, 0), driver, "", {}, 0)
    snapshot = push_snapshot(require_remotes(), write_snapshot())
    orders = remote_runner.build_orders(list_toy_cells(count), snapshot, ["prepare"], 1, "", "")
    with stop_on_signals():
        return remote_runner.run_remote_cells(orders, engine, 5.0, "")


def run_local_grid(count: int) -> list[str]:
    """Run the cells through DVC's queue on this machine; the names of those that failed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with stop_on_signals():
        failed = run_cells(list_toy_cells(count), write_snapshot(), 2, 1, 5.0, "")
    psutil.wait_procs(psutil.Process().children())  # so that the parent can count their CPU seconds
    return failed


if __name__ == "__main__":
    number, *place = sys.argv[1:]
    sys.exit(", ".join(run_toy_grid(place[1], int(number)) if place else run_local_grid(int(number))) or 0)
