"""What a node does for one cell: clone, pull, run, push. Nodes get this file as part of a program.

The program's task `facts` prints what decides the bytes of a cell on the node. `run` reads an order and writes a
report, both JSON. If the order came by standard input and that ends early, the caller died: the cell ends too, unless
it is being pushed.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from typing import Any

from m2m.grid.machines.node_folders import make_base, make_folder, wait_for_lock
from m2m.grid.machines.remote_calls import PAUSES, CellError, call, insist, redact
from m2m.node_facts import choose_facts, name_node, read_facts

CLAIMS = "refs/m2m/pushing"  # in the git remote, a ref for each cell that is being pushed
MARKER = "m2m-remote"  # a file by which a node knows DVC's remote, where that is a folder, from an empty mount point
PUSH_TRIES = 5  # of data, where DVC's remote goes away in each push
LOG_END = 20_000  # characters of the log that are reported
THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")


def run_cell(order: Mapping[str, Any], begin_push: Callable[[], None]) -> dict[str, str]:
    """Run the cell of `order` in a clone of its own; its experiment reaches the git remote last, as one ref.

    Returns outcome (done or failed), node, reason and the end of the log. A cell whose ref the remote has is not run.
    """
    try:
        base = make_base(order["folder"], order["git"])
    except OSError as error:
        return {"outcome": "failed", "node": name_node(), "reason": str(error), "log": ""}
    log = base / "logs" / f"{order['name']}.log"
    outcome, reason = "done", ""
    with wait_for_lock(base / "locks" / order["name"]):
        log.write_bytes(b"")
        try:
            if not find_remote_ref(order, log):
                with make_folder(base) as folder:
                    copy_snapshot(order, base, folder, log)
                    _run_and_push(order, base, folder, log, begin_push)
        except (CellError, OSError) as error:
            outcome, reason = "failed", redact(str(error))
        end = redact(log.read_text(errors="replace")[-LOG_END:])
    return {"outcome": outcome, "node": name_node(), "reason": reason, "log": end}


def find_remote_ref(order: Mapping[str, Any], log: Path) -> bool:
    """Whether the git remote has the cell's experiment: another node may have pushed it meanwhile."""
    return bool(insist(["git", "ls-remote", order["git"], f"refs/exps/*/{order['name']}"], log.parent, log))


def copy_snapshot(order: Mapping[str, Any], base: Path, folder: Path, log: Path) -> None:
    """The files of the order's snapshot in `folder`, on its commit; objects and data lie in folders of this node."""
    mirror = base / "mirror.git"
    with wait_for_lock(base / "locks" / "mirror"):
        call(["git", "init", "--quiet", "--bare", str(mirror)], base, log)
        insist(["git", "fetch", "--quiet", order["git"], f"+{order['ref']}:{order['ref']}"], mirror, log)
    call(["git", "init", "--quiet", str(folder)], base, log)
    (folder / ".git/objects/info/alternates").write_text(f"{mirror / 'objects'}\n")
    call(["git", "checkout", "--quiet", "--detach", order["head"]], folder, log)
    call(["git", "read-tree", "--reset", "-u", order["snapshot"]], folder, log)
    core = f"[core]\n    analytics = false\n    site_cache_dir = {folder}.site\n"
    cache = f'[cache]\n    dir = {base / "cache"}\n    type = "reflink,hardlink,copy"\n'
    (folder / ".dvc/config.local").write_text(core + cache)


def end_with_caller(is_pushing: threading.Event) -> None:
    """Kill this process and what it started once standard input ends: nobody waits for the cell any more."""
    import psutil

    sys.stdin.read()
    if not is_pushing.is_set():
        for process in [*psutil.Process().children(recursive=True), psutil.Process()]:
            process.send_signal(signal.SIGKILL)


def _run_and_push(
    order: Mapping[str, Any], base: Path, folder: Path, log: Path, begin_push: Callable[[], None]
) -> None:
    """Data goes first and the ref last, so that a ref in the remote is a whole cell."""
    dvc = [sys.executable, "-m", "dvc"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "DVC_ROOT": str(base / "work")}  # checkpoints and replies outlive the clone
    environment |= dict.fromkeys(THREAD_VARIABLES, str(order["threads"])) | hide_gpus(order["expected"])
    _pull_shared(order, folder, log, environment)
    settings = [word for override in order["overrides"] for word in ("-S", override)]
    message = ["--message", order["message"]] if order["message"] else []
    call([*dvc, "exp", "run", "--name", order["name"], *message, *settings], folder, log, environment)
    ref = call(["git", "for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{order['name']}"], folder, log).strip()
    begin_push()
    claim = f"{CLAIMS}/{order['name']}"  # drivers wait for it: this push outlives the driver that ordered the cell
    insist(["git", "push", "--quiet", "--force", order["git"], f"{order['snapshot']}:{claim}"], folder, log)
    _push_data(order, folder, log, environment)
    try:
        insist(["git", "push", "--quiet", order["git"], f"{ref}:{ref}", f":{claim}"], folder, log)
    except CellError:
        if not find_remote_ref(order, log):  # else another node was faster, and its experiment stays
            raise


def _push_data(order: Mapping[str, Any], folder: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Push the cell's data; again where DVC's remote went away, for which DVC makes a new folder in its place."""
    for _ in range(PUSH_TRIES):
        if reason := explain_absent_store(order["store"]):
            raise CellError(reason)
        insist([sys.executable, "-m", "dvc", "push"], folder, log, environment)
        if has_marker(order["store"]):
            return
    raise CellError(f"DVC's remote {order['store']} goes away in each push: look at its disk")


def has_marker(store: str) -> bool:
    """Whether DVC's remote is here; "" is one that is no folder."""
    return not store or (Path(store) / MARKER).exists()


def explain_absent_store(store: str) -> str:
    """Why a cell cannot push its data, in one sentence, after three minutes in which a disk may come back; or ""."""
    for pause in (*PAUSES, 0):
        if has_marker(store):
            return ""
        sleep(pause)
    return f"Node {name_node()} does not see {Path(store) / MARKER}, a file of DVC's remote: mount that disk there."


def hide_gpus(expected: Mapping[str, Any]) -> dict[str, str]:
    """Variables that hide all GPUs from a cell on the CPU, whose node is expected to have a CPU and not GPUs.

    >>> hide_gpus({"cpu": "Xeon"}), hide_gpus({"gpus": ["H100"]})
    ({'CUDA_VISIBLE_DEVICES': ''}, {})
    """
    return {} if "gpus" in expected else {"CUDA_VISIBLE_DEVICES": ""}


def _pull_shared(order: Mapping[str, Any], folder: Path, log: Path, environment: Mapping[str, str]) -> None:
    """Pull all data, and insist on that of the shared stages: with 30 targets DVC takes 25 CPU seconds, with none 2."""
    import yaml

    stages = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    outs = [out["path"] for name in order["shared"] for out in stages.get(name, {}).get("outs", [])]
    missing: list[str] = []
    for pause in (*PAUSES, 0):
        insist([sys.executable, "-m", "dvc", "pull", "--allow-missing"], folder, log, environment)
        missing = [path for path in outs if not (folder / path).exists()]
        if not missing:
            return
        sleep(pause)
    raise CellError(f"the DVC remote lacks {len(missing)} files that all cells share, first {missing[0]}: run dvc push")


def run_order(order: Mapping[str, Any], begin_push: Callable[[], None]) -> dict[str, Any]:
    """The report of a cell: done or failed; refused, with this node's facts, where the order expects others.

    A node that does not see DVC's remote refuses with that reason.
    """
    facts = read_facts()
    if choose_facts(facts, order["expected"]) != order["expected"]:
        return {"outcome": "refused", "node": facts["node"], "facts": facts, "reason": ""}
    if reason := explain_absent_store(order["store"]):
        return {"outcome": "refused", "node": facts["node"], "facts": facts, "reason": reason}
    return run_cell(order, begin_push)


def main(task: str, orders: str = "") -> None:
    """Print the facts; or run the order on standard input, or that of SLURM_ARRAY_TASK_ID in a file, and report."""
    if task == "facts":
        print(json.dumps(read_facts()))
    elif orders:
        order = json.loads(Path(orders).read_text(encoding="utf-8"))[int(os.environ["SLURM_ARRAY_TASK_ID"])]
        report = Path(orders).with_name(f"{order['name']}.report")
        report.with_suffix(".new").write_text(json.dumps(run_order(order, lambda: None)), encoding="utf-8")
        report.with_suffix(".new").replace(report)
    else:
        order, is_pushing = json.loads(sys.stdin.readline()), threading.Event()
        threading.Thread(target=end_with_caller, args=(is_pushing,), daemon=True).start()
        print(json.dumps(run_order(order, is_pushing.set)))
