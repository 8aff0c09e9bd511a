"""A grid on a Ray cluster of three nodes, killed at random: outs as of an undisturbed run, each cell once.

`python -m bench.ray_kills FOLDER [--kills 10] [--cells 12] [--seed 1] [--real]`: a node loses all its processes, a
worker that runs a cell dies, the driver dies and the same command follows, or for a minute the git remote or DVC's is
away. Each node has a process tree and a temporary folder of its own. As root, with iproute2, each also has a network
namespace of its own, and the cable of one is pulled for a while. Toy cells run locally too, for the overhead.

--real runs cells of the tiny profile by `m2m grid` in place of toy cells. The overhead is then what a node runs beside
such a cell, by the nodes' logs: DVC's own workers, which run it without a cluster, outlive the driver. The exit code is
1 where outs differ, a cell ran twice to its end, or fewer kills were made than asked for.
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
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import yaml

from bench.node_networks import LOOPBACK, NodeNetwork, open_networks
from tests.slurm_cluster import find_ports
from tests.test_smoke import TINY, commit, copy_of_the_repository, environment, run, settle
from tests.toy_grid import make_toy_repository

ROOT = Path(__file__).parents[1]
KINDS = ("node", "worker", "driver", "remote", "store", "network")
AWAY = 60  # seconds that a remote is away
MOST_RESTARTS = 20
HAS_CLIENT = bool(find_spec("grpc"))  # ray:// needs it
UNPLUGGED = 45  # seconds that a node has no network: Ray gives it up in between
PARTS = {
    "strategies": {"strategy": ["response-micro"], "degree": [0, 3, 6], "seed": [1, 2]},
    "random": {"strategy": ["random"], "seed": [1, 2, 3, 4, 5, 6]},
}


class RayNodes:
    """Nodes, each a process of `ray start --block`; the first is the head, which lives."""

    def __init__(self, folder: Path, variables: dict[str, str], networks: list[NodeNetwork]) -> None:
        token = folder / "token"  # without one, everyone who reaches the ports may run code
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.variables = variables | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        self.folder = folder
        self.temporary = Path(tempfile.mkdtemp(prefix="rk"))
        self.port, self.client_port = find_ports(2)
        self.nodes: dict[int, subprocess.Popen[bytes]] = {}
        self.networks = networks
        self.restarts = 0  # of nodes that ended by themselves
        self.address = f"{networks[0].address}:{self.port}"
        self.client_address = f"ray://{networks[0].address}:{self.client_port}"

    def start(self, number: int) -> None:
        words = ["--head", f"--port={self.port}", f"--temp-dir={self.temporary}", "--include-dashboard=false"]
        words += [f"--ray-client-server-port={self.client_port}"] if HAS_CLIENT else []
        words = ["--address", self.address] if number else words
        words += [
            "--block",
            "--disable-usage-stats",
            "--num-cpus=1",
            f"--node-ip-address={self.networks[number].address}",
            "--object-store-memory=100000000",
        ]
        scratch = self.folder / f"node-{number}"
        scratch.mkdir(exist_ok=True)
        variables = environment() | self.variables | {"TMPDIR": str(scratch)}
        with (self.folder / f"node-{number}.log").open("ab") as log:
            ray = [*self.networks[number].words, sys.executable, "-m", "ray.scripts.scripts", "start", *words]
            self.nodes[number] = subprocess.Popen(ray, env=variables, stdin=-3, stdout=log, stderr=log)

    def wait(self, count: int) -> None:
        """Until so many nodes are part of the cluster. On a busy machine a node may give up, and begins again."""
        for _ in range(600):
            for number in [number for number, node in self.nodes.items() if node.poll() is not None]:
                self.kill(number)
                self.restarts += 1
                if self.restarts > MOST_RESTARTS:
                    raise AssertionError((self.folder / f"node-{number}.log").read_text()[-3000:])
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
        """One worker that runs a cell; what the cell itself started stays. Empty where none does."""
        trees = [psutil.Process(node.pid).children(recursive=True) for node in self.nodes.values()]
        workers = sorted(process.pid for tree in trees for process in tree if is_busy(process))
        if not workers:
            return ""
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
    with open_networks(count) as networks:
        cluster = RayNodes(folder, variables, networks)
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
    note_runs(clone / "dvc.yaml")
    (folder / "store").mkdir()
    run(folder, "git", "init", "--quiet", "--bare", "origin.git")
    run(clone, "git", "init", "--quiet", "--initial-branch=main")
    run(clone, "git", "remote", "add", "origin", str(folder / "origin.git"))
    run(clone, "dvc", "remote", "add", "--default", "store", str(folder / "store"))
    commit(clone, "copy")
    return clone


def note_runs(pipeline: Path) -> None:
    """Let the last two stages of a cell note it in the file TOY_RUNS, as toy cells do: earlier ones are of an arm."""
    content = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    name = "${subset.strategy}-${subset.degree}-${subset.seed}"
    first, last = content["stages"]["judge"], content["stages"]["measure"]
    first["cmd"] = f"echo begin {name} >> $TOY_RUNS && {first['cmd']}"
    last["cmd"] = f"{last['cmd']} && echo end {name} >> $TOY_RUNS"
    pipeline.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def start_driver(
    clone: Path, words: list[str], variables: dict[str, str], network: NodeNetwork
) -> subprocess.Popen[bytes]:
    with (clone.parent / "driver.log").open("ab") as log:
        env = environment() | variables | {"PYTHONPATH": str(clone if (clone / "m2m").exists() else ROOT)}
        command = [*network.words, sys.executable, *words]
        return subprocess.Popen(command, cwd=clone, env=env, stdin=-3, stdout=log, stderr=log)


def hide(folder: Path) -> str:
    """Take a remote away for a while; what was made in its place meanwhile is set aside."""
    hidden, replaced = folder.with_suffix(".away"), folder.with_suffix(f".{time.time_ns()}")
    folder.rename(hidden)
    time.sleep(AWAY)
    words = ""
    if folder.exists():
        folder.rename(replaced)
        words = f", and {sum(path.is_file() for path in replaced.rglob('*'))} files were written in its place"
    hidden.rename(folder)
    return f"{folder.name} was away for {AWAY} s{words}"


def disturb(kind: str, cluster: RayNodes, driver: Any, clone: Path, draw: random.Random) -> str:
    """Do the harm; what it was in words, empty where it could not be done yet.

    A killed node is back after a while, as a machine that was restarted.
    """
    if kind == "worker":
        return cluster.kill_worker(draw)
    if kind in ("remote", "store"):
        return hide(clone.parent / ("store" if kind == "store" else "origin.git"))
    if kind in ("node", "network"):
        number = draw.choice([1, 2])
        if kind == "network" and cluster.networks[number].name:
            cluster.networks[number].set_cable("down")
            time.sleep(UNPLUGGED)
            cluster.networks[number].set_cable("up")
            return f"node {number} had no network for {UNPLUGGED} s"
        cluster.kill(number)
        time.sleep(draw.uniform(1, 8))
        cluster.start(number)
        return f"node {number} lost all processes, and came back"
    kill_tree(driver.pid)
    driver.wait()
    return "the driver was killed; the same command again"


def run_disturbed(
    cluster: RayNodes, clone: Path, words: list[str], kinds: list[str], draw: random.Random, longest: float
) -> list[str]:
    """Run the driver to its end, with the harms of `kinds` at most `longest` s apart while cells run; what happened."""
    happened, pending = [], list(kinds)
    start = time.monotonic()
    driver = start_driver(clone, words, cluster.variables, cluster.networks[0])
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
            kind, second = pending[0], time.monotonic() - start
            if not (words_of_harm := disturb(kind, cluster, driver, clone, draw)):
                continue
            pending.pop(0)
            happened.append(f"{second:.0f} s {kind}: {words_of_harm}")
            print(happened[-1], flush=True)
            if kind == "driver":
                driver = start_driver(clone, words, cluster.variables, cluster.networks[0])
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


def read_node_seconds(clone: Path) -> float:
    """CPU seconds of all commands that nodes ran for cells, as the cells' logs have them."""
    logs = [path.read_text() for path in (clone / ".cache/grid").glob("*.log")]
    return sum(float(seconds) for log in logs for seconds in re.findall(r"([\d.]+) s of CPU: ", log))


def describe_real_overhead(clone: Path) -> str:
    """CPU seconds that nodes spent beside each cell, and on the cells themselves, as the cells' logs have them."""
    logs = [path.read_text() for path in (clone / ".cache/grid").glob("*.log")]
    extra, runs = [], []
    for log in logs:
        calls = re.findall(r"([\d.]+) s of CPU: (.*)", log)
        runs.append(sum(float(seconds) for seconds, words in calls if "dvc exp run" in words))
        extra.append(sum(float(seconds) for seconds, _ in calls) - runs[-1])
    if not logs:
        return "no cell has a log in .cache/grid"
    cells = f"{median(runs):.1f} CPU seconds a cell in dvc exp run"
    return f"{cells}, overhead {median(extra):.1f} beside it, {max(extra):.1f} at most"


def read_child_seconds() -> float:
    """CPU seconds of this process's children that have ended, and theirs."""
    times = os.times()
    return times.children_user + times.children_system


def run_locally(place: Path, clone: Path, words: list[str], variables: dict[str, str]) -> float:
    """Run the same cells on this machine without a cluster; their CPU seconds, those of the driver too."""
    before = read_child_seconds()
    driver = start_driver(clone, words, variables, NodeNetwork([], LOOPBACK))
    if driver.wait():
        raise AssertionError((place / "driver.log").read_text()[-3000:])
    return read_child_seconds() - before


def count_ends(clone: Path) -> tuple[Counter[str], int]:
    """How often each cell came to its end, and how often cells began, as they note."""
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
    kinds = [draw.choice(KINDS) for _ in range(options.kills)]
    results = {}
    longest = local = 0.0
    runs: dict[str, list[str]] = {"local": [], "undisturbed": [], "disturbed": kinds}
    for name, harms in list(runs.items())[int(options.real) :]:
        place = folder / name
        place.mkdir(parents=True)
        variables = {"TOY_RUNS": str(place / "runs.log"), "TOY_SECONDS": "5", "RAY_DEDUP_LOGS": "0"}
        clone = make_real_repository(place) if options.real else make_toy_repository(place)
        start = time.monotonic()
        command = ["-m", "m2m", "grid", "--full"] if options.real else ["-m", "tests.toy_grid", str(options.cells)]
        if name == "local":
            local = run_locally(place, clone, command, variables)
            continue
        with run_ray(place, variables) as cluster:
            before, begun = read_child_seconds(), time.monotonic()
            happened = run_disturbed(cluster, clone, [*command, "--on", cluster.address], harms, draw, longest)
            spent = read_child_seconds() - before + read_node_seconds(clone)
            longest = (time.monotonic() - begun) / max(1, options.kills)  # so that half of the time is enough for all
        ends, begins = count_ends(clone)
        results[name] = read_outs(clone)
        print(f"{name}: {time.monotonic() - start:.0f} s, {len(results[name])} cells, {len(happened)} kills")
        print(f"  begun {begins}, ended twice {sum(count > 1 for count in ends.values())}", flush=True)
        if name == "undisturbed" and options.real:
            print(f"  {describe_real_overhead(clone)}", flush=True)
        elif name == "undisturbed":
            count = len(results[name])
            cells = f"{spent / count:.1f} CPU seconds a cell, {local / count:.1f} locally"
            print(f"  {cells}, the driver's share with them: overhead {(spent - local) / count:.1f}", flush=True)
    return judge(results["undisturbed"] == results["disturbed"], ends, len(happened), options.kills)


def judge(is_equal: bool, ends: Counter[str], kills: int, asked: int) -> int:
    """Print the verdict; the exit code, 0 where outs are equal, each cell ended once, and all kills were made."""
    twice = sum(count > 1 for count in ends.values())
    print(json.dumps({"equal outs": is_equal, "cells run twice": twice, "kills": kills, "kills asked for": asked}))
    return int(not is_equal or twice > 0 or kills < asked)


if __name__ == "__main__":
    sys.exit(main())
