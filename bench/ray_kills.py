"""A grid on a Ray cluster of three nodes, killed at random: outs as of an undisturbed run, each cell once.

`python -m bench.ray_kills FOLDER [--kills 10] [--cells 12] [--seed 1] [--real]`: a node loses all its processes, a
worker dies, the driver dies and the same command follows, or the git remote is away for a while. --real runs cells of
the tiny profile by `m2m grid` in place of toy cells. Each node has a process tree and a temporary folder of its own.
"""

import argparse
import json
import math
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import yaml

from tests.slurm_cluster import find_ports
from tests.test_smoke import TINY, commit, copy_of_the_repository, environment, run, settle
from tests.toy_grid import make_toy_repository

ROOT = Path(__file__).parents[1]
KINDS = ("node", "worker", "driver", "remote")
AWAY = 20  # seconds that the git remote is away
PARTS = {
    "strategies": {"strategy": ["response-micro"], "degree": [0, 3, 6], "seed": [1, 2]},
    "random": {"strategy": ["random"], "seed": [1, 2, 3, 4, 5, 6]},
}


class RayNodes:
    """Three nodes, each a process of `ray start --block`; the first is the head, which lives."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        token = folder / "token"  # without one, everyone who reaches the ports may run code
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.variables = variables | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.folder = folder
        self.temporary = Path(tempfile.mkdtemp(prefix="rk"))
        [self.port] = find_ports(1)
        self.nodes: dict[int, subprocess.Popen[bytes]] = {}
        self.address = f"127.0.0.1:{self.port}"

    def start(self, number: int) -> None:
        words = ["--head", f"--port={self.port}", f"--temp-dir={self.temporary}", "--include-dashboard=false"]
        words = ["--address", self.address] if number else words
        words += [
            "--block",
            "--disable-usage-stats",
            "--num-cpus=1",
            "--node-ip-address=127.0.0.1",
            "--object-store-memory=100000000",
        ]
        scratch = self.folder / f"node-{number}"
        scratch.mkdir(exist_ok=True)
        variables = environment() | self.variables | {"TMPDIR": str(scratch)}
        with (self.folder / f"node-{number}.log").open("ab") as log:
            ray = [sys.executable, "-m", "ray.scripts.scripts", "start", *words]
            self.nodes[number] = subprocess.Popen(ray, env=variables, stdin=-3, stdout=log, stderr=log)

    def wait(self, count: int) -> None:
        """Until so many nodes are part of the cluster. On a busy machine a node may give up, and begins again."""
        for _ in range(600):
            for number in [number for number, node in self.nodes.items() if node.poll() is not None]:
                self.kill(number)
                self.start(number)
            logs = [self.folder / f"node-{number}.log" for number in self.nodes]
            if sum("Ray runtime started" in log.read_text() for log in logs if log.exists()) >= count:
                return
            time.sleep(1)
        raise AssertionError("the cluster did not start in ten minutes")

    def kill(self, number: int) -> None:
        """All processes of a node at once, as when its power is cut."""
        node, scratch = self.nodes.pop(number), str(self.folder / f"node-{number}")
        kill_tree(node.pid)
        for process in psutil.process_iter(["environ"]):
            if (process.info["environ"] or {}).get("TMPDIR") == scratch:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        node.wait()

    def kill_worker(self, draw: random.Random) -> str:
        """One worker that runs a cell; what the cell itself started stays."""
        trees = [psutil.Process(node.pid).children(recursive=True) for node in self.nodes.values()]
        workers = sorted(process.pid for tree in trees for process in tree if is_busy(process))
        if not workers:
            return "no worker is busy"
        os.kill(draw.choice(workers), signal.SIGKILL)
        return f"1 of {len(workers)} busy workers"


def is_busy(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, IndexError):
        return process.cmdline()[0].startswith("ray::run_program")
    return False


def kill_tree(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


@contextmanager
def run_ray(folder: Path, variables: dict[str, str], count: int = 3) -> Iterator[RayNodes]:
    cluster = RayNodes(folder, variables)
    try:
        cluster.start(0)
        cluster.wait(1)
        for number in range(1, count):
            cluster.start(number)
        cluster.wait(count)
        yield cluster
    finally:
        for number in sorted(cluster.nodes, reverse=True):
            cluster.kill(number)
        shutil.rmtree(cluster.temporary, ignore_errors=True)


def make_real_repository(folder: Path) -> Path:
    """A clone with tiny settings and the cells of PARTS, whose shared stages the first grid runs; with both remotes."""
    clone = folder / "clone"
    clone.mkdir(parents=True)
    copy_of_the_repository(clone)
    shutil.copy(ROOT / "dvc.lock", clone)
    settle(clone, TINY | {"grid.parts": PARTS})
    run(folder, "git", "init", "--quiet", "--bare", "origin.git")
    run(clone, "git", "init", "--quiet", "--initial-branch=main")
    run(clone, "git", "remote", "add", "origin", str(folder / "origin.git"))
    run(clone, "dvc", "remote", "add", "--default", "store", str(folder / "store"))
    commit(clone, "copy")
    return clone


def start_driver(clone: Path, words: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    with (clone.parent / "driver.log").open("ab") as log:
        env = environment() | variables | {"PYTHONPATH": str(clone if (clone / "m2m").exists() else ROOT)}
        return subprocess.Popen([sys.executable, *words], cwd=clone, env=env, stdin=-3, stdout=log, stderr=log)


def disturb(kind: str, cluster: RayNodes, driver: Any, clone: Path, draw: random.Random) -> str:
    """Do the harm; what it was in words. A killed node is back after a while, as a machine that was restarted."""
    if kind == "worker":
        return cluster.kill_worker(draw)
    if kind == "node":
        number = draw.choice([1, 2])
        cluster.kill(number)
        time.sleep(draw.uniform(1, 8))
        cluster.start(number)
        return f"node {number} lost all processes, and came back"
    if kind == "remote":
        origin, hidden = clone.parent / "origin.git", clone.parent / "origin.away"
        origin.rename(hidden)
        time.sleep(AWAY)
        hidden.rename(origin)
        return f"the git remote was away for {AWAY} s"
    kill_tree(driver.pid)
    driver.wait()
    return "the driver was killed; the same command again"


def run_disturbed(
    cluster: RayNodes, clone: Path, words: list[str], kinds: list[str], draw: random.Random, longest: float
) -> list[str]:
    """Run the driver to its end, with the harms of `kinds` at most `longest` s apart while cells run; what happened."""
    happened, pending = [], list(kinds)
    start = time.monotonic()
    driver = start_driver(clone, words, cluster.variables)
    moment = math.inf
    while True:
        time.sleep(0.2)
        if driver.poll() is not None and driver.returncode == 0:
            break
        if driver.poll() is not None:
            raise AssertionError((clone.parent / "driver.log").read_text()[-3000:])
        cluster.wait(0)
        if moment == math.inf and re.search(r"[1-9]\d* running", (clone.parent / "driver.log").read_text()):
            moment = time.monotonic() + draw.uniform(0, longest)
        if pending and time.monotonic() >= moment:
            kind = pending.pop(0)
            happened.append(f"{time.monotonic() - start:.0f} s {kind}: {disturb(kind, cluster, driver, clone, draw)}")
            print(happened[-1], flush=True)
            if kind == "driver":
                driver = start_driver(clone, words, cluster.variables)
            moment = time.monotonic() + draw.uniform(0, longest)
    return happened


def read_outs(clone: Path) -> dict[str, Any]:
    """The outs of every experiment of the clone, by name."""
    refs = [
        ref
        for ref in run(clone, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
        if ref.count("/") == 4
    ]
    locks = {ref.split("/")[4]: yaml.safe_load(run(clone, "git", "show", f"{ref}:dvc.lock")) for ref in refs}
    return {
        name: sorted((stage, entry["outs"]) for stage, entry in lock["stages"].items()) for name, lock in locks.items()
    }


def read_overheads(clone: Path) -> list[float]:
    """CPU seconds of each cell's commands beside `dvc exp run`, which a local cell takes too: clone, pull, push."""
    logs = [path.read_text() for path in (clone / ".cache/grid").glob("*.log")]
    lines = [re.findall(r"([\d.]+) s of CPU: (.*)$", log, re.MULTILINE) for log in logs]
    return [sum(float(seconds) for seconds, words in log if "dvc exp run" not in words) for log in lines if log]


def count_ends(clone: Path) -> tuple[Counter[str], int]:
    """How often each cell came to its end, and how often cells began, as the toy cells note."""
    lines = (clone.parent / "runs.log").read_text().splitlines()
    ends = Counter(line.split()[1] for line in lines if line.startswith("end"))
    return ends, sum(line.startswith("begin") for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for name, default in (("kills", 10), ("cells", 12), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    draw, folder = random.Random(options.seed), options.folder.resolve()
    longest = 0.0
    results: list[dict[str, Any]] = []
    kinds = [draw.choice(KINDS) for _ in range(options.kills)]
    for name, harms in (("undisturbed", []), ("disturbed", kinds)):
        place = folder / name
        place.mkdir(parents=True)
        variables = {"TOY_RUNS": str(place / "runs.log"), "TOY_SECONDS": "5", "RAY_DEDUP_LOGS": "0"}
        clone = make_real_repository(place) if options.real else make_toy_repository(place)
        start = time.monotonic()
        with run_ray(place, variables) as cluster:
            toy = ["-m", "tests.toy_grid", cluster.address, str(options.cells)]
            real = ["-m", "m2m", "grid", "--full", "--on", cluster.address]
            happened = run_disturbed(cluster, clone, real if options.real else toy, harms, draw, longest)
        longest = 3 * (time.monotonic() - start) / max(1, options.kills)
        ends, begins = (Counter(), 0) if options.real else count_ends(clone)
        results.append({"outs": read_outs(clone), "kills": len(happened), "ends": ends, "begins": begins})
        overheads = read_overheads(clone)
        print(f"{name}: {time.monotonic() - start:.0f} s, {len(results[-1]['outs'])} cells, {len(happened)} kills")
        print(f"  begun {begins}, ended twice {sum(count > 1 for count in ends.values())}")
        seconds = f"{median(overheads):.1f} CPU seconds a cell (median), {max(overheads):.1f} at most"
        print(f"  clone, pull and push: {seconds}", flush=True)
    is_equal = results[0]["outs"] == results[1]["outs"]
    print(json.dumps({"equal outs": is_equal, "cells run twice": sum(n > 1 for n in results[1]["ends"].values())}))
    return 0 if is_equal else 1


if __name__ == "__main__":
    sys.exit(main())
