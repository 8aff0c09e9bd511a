"""Runs a grid's trainings on a GPU machine that has neither a network nor DVC, and takes them back as experiments.

`python -m bench.lent_gpu export FOLDER` in a clone of its own, whose shared stages are finished: chooses every subset
of the grid in params.yaml. FOLDER gets what trainings and answers read, but for the base model, which must be a
packaged one. `python -m bench.lent_gpu run FOLDER OUT --workers 4 --seconds 500` on the machine, in a copy of the
repository: the commands of dvc.yaml, in the order of FOLDER/cells.json, until the time is over. What OUT has is not run
again. `python -m bench.lent_gpu take FOLDER OUT --hardware NAME` in the clone: judges and measures each cell by
`dvc repro`, and commits it as an experiment. The models stay behind: dvc.lock has their hashes alone.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any, NamedTuple

PARAMS = "params.yaml"
SHARED = ("data/pairs.parquet", "data/prompts.parquet", "data/bands/response.parquet", "models/tokenizer")
STAGES = {  # of each kind of training
    "base": ("generate@base",),
    "opponent": ("finetune@opponent", "generate@opponent"),
    "candidate": ("finetune@candidate", "generate@candidate"),
}
TRAINED = ("data/losses/{}.csv", "data/trainings/{}.json")  # outs of finetune that come back
ANSWERS = "data/answers/{}.parquet"
COMMITTED = (PARAMS, "dvc.lock", "metrics/base.json", "metrics/cell.json", "metrics/cell_details.json")
FIRST_GUESS = 60.0  # seconds of a training, until a process has ended one
LEAST_FAILURES = 2  # of a process that has ended none: the next one would fail too
REPOSITORY = Path(__file__).parents[1]


class Training(NamedTuple):
    """One entry of cells.json."""

    name: str
    arm: str  # a key of STAGES
    commands: list[str]
    subset: dict[str, Any]  # the settings that differ from params.yaml


def order_cells(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that tell most first: random, then of seeds 1 and 2 the ends of the dial, then the rest.

    `longest` comes last: it trains several times as long, and `work` keeps as much time free as the longest one took.
    """

    def rank(cell: dict[str, Any]) -> tuple[bool, bool, bool, bool, bool, int]:
        strategy, free = cell["strategy"], cell["lengths"] == "free"
        is_late = 0 < cell["degree"] < 6, cell["seed"] > 2
        return strategy == "longest", strategy != "random", *is_late, free, cell["seed"]

    return sorted(cells, key=rank)


def export(folder: Path) -> None:
    """Choose every subset of the grid, and copy what its trainings read."""
    from m2m.grid.design import list_cells
    from m2m.grid.dvc_experiments import predict_lock
    from m2m.grid.params.params_file import read_settings
    from m2m.grid.provenance import hash_cell, hash_provenance, name_experiment

    settings, lock = read_settings(Path(PARAMS)), predict_lock()
    shared = hash_provenance(lock)
    for path in (*SHARED, PARAMS):
        _copy(Path(path), folder / path)
    commands = {arm: [str(lock[stage]["cmd"]) for stage in stages] for arm, stages in STAGES.items()}
    _choose("opponent", folder / "subsets/opponent")
    trainings = [Training(arm, arm, commands[arm], {}) for arm in ("opponent", "base")]
    cells = order_cells(list_cells(settings["grid"]["parts"], settings["subset"], "full"))
    for number, cell in enumerate(cells, 1):
        name = name_experiment(cell, hash_cell(shared, cell, settings))
        changed = {key: value for key, value in cell.items() if settings["subset"][key] != value}
        _write_params(folder, changed)
        _choose("candidate", folder / "subsets" / name)
        trainings.append(Training(name, "candidate", commands["candidate"], changed))
        print(f"{number} of {len(cells)}: {name}", flush=True)
    shutil.copyfile(folder / PARAMS, PARAMS)
    record = {"base": lock["base"]["cmd"], "base_hash": lock["base"]["outs"]["models/base"]}
    text = json.dumps(record | {"trainings": [entry._asdict() for entry in trainings]}, indent=1)
    (folder / "cells.json").write_text(text + "\n")


def run(folder: Path, out: Path, *, workers: int, seconds: float) -> None:
    """Make the base model, start the processes, wait for them, and run again in one process what failed.

    ValueError for another base model than dvc.lock's, and at the end with the names of what failed.
    """
    end = time.time() + seconds
    out.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="lent-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    _prepare_home(folder, home, {})
    record = json.loads((folder / "cells.json").read_text())
    base = home / "models/base"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    (home / "metrics").mkdir()
    subprocess.run([sys.executable, *record["base"].split()[1:]], cwd=home, env=environment, check=True)
    if (made := hash_folder(base)[0]) != record["base_hash"]:
        raise ValueError(f"the base model must be {record['base_hash']}, as in dvc.lock, got {made}: use its package")
    for number in (workers, 1):
        shutil.rmtree(home / "claims", ignore_errors=True)
        (home / "claims").mkdir()
        words = ["-m", "bench.lent_gpu", "work", str(folder), str(out), "--home", str(home), "--until", str(end)]
        processes = [subprocess.Popen([sys.executable, *words], env=environment) for _ in range(number)]
        for process in processes:
            process.wait()
    print(f"{len(list(out.glob('*/record.json')))} of {len(read_trainings(folder))} trainings are done")
    if failed := sorted(path.stem for path in out.glob("*.error")):
        raise ValueError(f"{len(failed)} trainings failed, {failed[0]} first: see the .error files in {out}")


def work(folder: Path, out: Path, *, home: Path, until: float) -> None:
    """Take one training after another, until there is no time for another one as long as the longest."""
    longest, stages, failures = FIRST_GUESS, Stages(), 0
    times: list[float] = []
    for entry in read_trainings(folder):
        if time.time() + longest > until:
            return
        if (out / entry.name / "record.json").exists() or not _claim(home / "claims" / entry.name):
            continue
        start = time.time()
        try:
            _train(entry, folder, out / entry.name, home, stages)
            (out / f"{entry.name}.error").unlink(missing_ok=True)
        except Exception as error:
            (out / f"{entry.name}.error").write_text(traceback.format_exc())
            print(f"{entry.name} failed: {error}", flush=True)
            failures += 1
            if failures == LEAST_FAILURES and not times:
                print(f"error: {failures} trainings failed and none ended, {entry.name} last; see {out}", flush=True)
                return
            continue
        times.append(time.time() - start)
        longest = max(times[1:] or [FIRST_GUESS])  # the first one compiles kernels
        print(f"{entry.name} took {times[-1]:.1f} s, {until - time.time():.0f} s are left", flush=True)


def take(folder: Path, out: Path, *, hardware: str) -> None:
    """Make experiments of the trainings that came back.

    ValueError unless the opponent and the base are among them, and where one ran with other settings than its entry's.
    """
    from m2m.grid.dvc_experiments import list_experiment_names

    done = [entry for entry in read_trainings(folder) if (out / entry.name / "record.json").exists()]
    shared = [entry for entry in done if entry.arm != "candidate"]
    if len(shared) != len(STAGES) - 1:
        raise ValueError(f"{out} must have the trainings opponent and base, got {[entry.name for entry in shared]}")
    for entry in done:
        _check_record(entry, folder, out / entry.name)
    for entry in shared:
        _lock_training(entry, out / entry.name)
    finished = list_experiment_names()
    cells = [entry for entry in done if entry.arm == "candidate" and entry.name not in finished]
    try:
        for number, entry in enumerate(cells, 1):
            _write_params(folder, entry.subset)
            subprocess.run(["dvc", "repro", "--quiet", "subset@candidate"], check=True)
            _lock_training(entry, out / entry.name)
            subprocess.run(["dvc", "repro", "--quiet", "--allow-missing", "measure"], check=True)
            _commit_experiment(entry.name, hardware)
            print(f"{number} of {len(cells)}: {entry.name}", flush=True)
    finally:
        shutil.copyfile(folder / PARAMS, PARAMS)


def read_trainings(folder: Path) -> list[Training]:
    return [Training(**entry) for entry in json.loads((folder / "cells.json").read_text())["trainings"]]


def list_results(arm: str) -> list[Path]:
    """The outs of an arm's stages that come back: all but its model."""
    return [Path(name.format(arm)) for name in (*(TRAINED if arm != "base" else ()), ANSWERS)]


def hash_folder(folder: Path) -> tuple[str, dict[str, int]]:
    """The MD5 of a folder of plain files as DVC has it, and how large and many they are."""
    from m2m.runtime.artifacts import compute_md5

    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    listed = [{"md5": compute_md5(names[name]), "relpath": name} for name in sorted(names)]
    md5 = hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    return f"{md5}.dir", {"size": sum(path.stat().st_size for path in names.values()), "nfiles": len(names)}


def _choose(arm: str, target: Path) -> None:
    subprocess.run(["dvc", "repro", "--quiet", f"subset@{arm}"], check=True)
    for ending in ("parquet", "json"):
        _copy(Path(f"data/subsets/{arm}.{ending}"), target.with_name(f"{target.name}.{ending}"))


def _write_params(folder: Path, changed: dict[str, Any], home: Path = Path()) -> None:
    """params.yaml in `home`, this clone by default: FOLDER's with other settings of `subset`."""
    from m2m.grid.params.params_file import read_settings, write_settings

    settings = read_settings(folder / PARAMS)
    settings["subset"].update(changed)
    write_settings(home / PARAMS, settings)


def _prepare_home(folder: Path, home: Path, changed: dict[str, Any]) -> None:
    """What all trainings read, as links, and the settings of this one."""
    for path in SHARED:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).symlink_to(folder.resolve() / path)
    (home / "profiles").symlink_to(REPOSITORY / "profiles")
    _write_params(folder, changed, home)


def read_training_settings(entry: Training, params: Path) -> dict[str, Any]:
    """The `subset` settings of the file `params`, and the seed that the commands of `entry` have with it, if any."""
    from m2m.grid.params.params_file import read_settings
    from m2m.runtime.settings import read_arguments

    words = [word for command in entry.commands for word in read_arguments(command.split()[3:], params)]
    seeds = [int(word.removeprefix("--seed=")) for word in words if word.startswith("--seed=")]
    return {"subset": dict(read_settings(params)["subset"]), "seed": seeds[0] if seeds else None}


def _check_record(entry: Training, folder: Path, results: Path) -> None:
    """ValueError where the training had another seed, or other settings of its subset, than its entry."""
    record = json.loads((results / "record.json").read_text())
    with tempfile.TemporaryDirectory() as scratch:
        _write_params(folder, entry.subset, Path(scratch))
        expected = json.loads(json.dumps(read_training_settings(entry, Path(scratch) / PARAMS)))
    for name, value in expected.items():
        if record.get(name) != value:
            raise ValueError(
                f"{results} must have the {name} of its entry, {value}, got {record.get(name)}. Delete it and run "
                "bench.lent_gpu again."
            )


def _train(entry: Training, folder: Path, target: Path, home: Path, stages: "Stages") -> None:
    """Run the commands of one training in a folder of its own, and keep what is small."""
    place = home / "runs" / entry.name
    shutil.rmtree(place, ignore_errors=True)  # of a try that failed
    _prepare_home(folder, place, entry.subset)
    (place / "models/base").symlink_to(home / "models/base")
    (place / "data/subsets").mkdir()
    for ending in ("parquet", "json") if entry.arm != "base" else ():
        subset = (folder / f"subsets/{entry.name}.{ending}").resolve()
        (place / f"data/subsets/{entry.arm}.{ending}").symlink_to(subset)
    for command in entry.commands:
        stages.run(command, place)
    record: dict[str, Any] = {"name": entry.name} | read_training_settings(entry, place / PARAMS)
    if entry.arm != "base":
        record |= {"model": hash_folder(place / "models" / entry.arm)}
    target.mkdir(parents=True, exist_ok=True)
    for path in list_results(entry.arm):
        shutil.copyfile(place / path, target / path.name)
    (target / "record.json").write_text(json.dumps(record))
    shutil.rmtree(place)


class Stages:
    """Runs stages in a process each; the next one imports everything while this one works."""

    def __init__(self) -> None:
        self.waiting = self.start()

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-m", "bench.lent_gpu", "stage"], stdin=subprocess.PIPE, text=True)

    def run(self, command: str, place: Path) -> None:
        """`python -m stages.NAME …` of dvc.yaml in the folder `place`. OSError where it ends badly."""
        child, self.waiting = self.waiting, self.start()
        child.communicate(json.dumps([command.split()[2:], str(place)]))
        if child.returncode:
            raise OSError(f"{place.name}: {command.split()[2]} ended with {child.returncode}: see the log")


def stage() -> None:
    """Wait for the command and the folder of a stage, and run it."""
    import torch
    import trl.trainer.sft_trainer  # noqa: F401
    import tyro

    import stages.finetune
    import stages.generate  # noqa: F401
    from m2m.runtime.settings import read_arguments

    if not (line := sys.stdin.read()):
        return
    words, place = json.loads(line)
    os.chdir(place)
    for word in words:
        if word.startswith(("data/", "models/", "metrics/")):
            Path(word).parent.mkdir(parents=True, exist_ok=True)
    start = time.time()
    arguments = read_arguments(words[1:])
    tyro.cli(sys.modules[words[0]].main, args=arguments, config=(tyro.conf.FlagCreatePairsOff,))
    peak = torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0
    print(f"{Path(place).name}: {words[0]} {time.time() - start:.1f} s, peak {peak:.1f} GB", flush=True)


def _claim(path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _lock_training(entry: Training, results: Path) -> None:
    """Put the results into the workspace and DVC's cache, and into dvc.lock with the hash of the model."""
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.meta import Meta

    record = json.loads((results / "record.json").read_text())
    for path in list_results(entry.arm):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # a link into DVC's cache
        shutil.copyfile(results / path.name, path)
    with Repo() as repo, repo.lock:
        for name in STAGES[entry.arm]:
            stage = repo.stage.load_one(name=name)
            for file in (*stage.deps, *stage.outs):
                if str(file.def_path) == f"models/{entry.arm}" and entry.arm != "base":
                    md5, size = record["model"]
                    file.hash_info, file.meta = HashInfo("md5", md5), Meta(isdir=True, **size)
                elif file in stage.outs:
                    file.save()
                    file.commit()
                else:
                    file.save()
            stage.dump(update_pipeline=False)


def _commit_experiment(name: str, hardware: str) -> None:
    """An experiment's commit, as DVC keeps them: its name under the commit that it started from."""
    from m2m.grid.dvc_experiments import HARDWARE_MESSAGE
    from m2m.grid.machines.remote_calls import AUTHOR  # a clone may have no name of its own

    head = _git("rev-parse", "HEAD")
    with tempfile.TemporaryDirectory() as scratch:
        index = {"GIT_INDEX_FILE": f"{scratch}/index"}
        _git("read-tree", "HEAD", environment=index)
        _git("add", "--force", *(path for path in COMMITTED if Path(path).exists()), environment=index)
        tree = _git("write-tree", environment=index)
    commit = _git("commit-tree", tree, "-p", head, "-m", f"{HARDWARE_MESSAGE}{hardware}", environment=AUTHOR)
    _git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", commit)


def _git(*words: str, environment: dict[str, str] | None = None) -> str:
    called = os.environ | (environment or {})
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True, env=called).stdout.strip()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("stage").set_defaults(call=stage)
    for name, function in (("export", export), ("run", run), ("work", work), ("take", take)):
        command = commands.add_parser(name)
        command.set_defaults(call=function)
        command.add_argument("folder", type=lambda text: Path(text).resolve())
        if name != "export":
            command.add_argument("out", type=lambda text: Path(text).resolve())
    commands.choices["run"].add_argument("--workers", type=int, default=4)
    commands.choices["run"].add_argument("--seconds", type=float, default=500)
    commands.choices["work"].add_argument("--home", type=Path)
    commands.choices["work"].add_argument("--until", type=float)
    commands.choices["take"].add_argument("--hardware", required=True)
    chosen = vars(parser.parse_args())
    try:
        chosen.pop("call")(**chosen)
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
