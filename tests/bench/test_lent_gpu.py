"""What a lent machine computes comes back as DVC and git would have it from here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from bench import lent_gpu
from bench.lent_gpu import Training, hash_folder, order_cells
from m2m.grid.dvc_experiments import HARDWARE_MESSAGE
from m2m.runtime.settings import read_arguments

DVC = [sys.executable, "-m", "dvc"]
ROOT = Path(__file__).parent.parent.parent


def test_a_folder_has_dvcs_hash(tmp_path: Path) -> None:
    """DVC's own, of the folder that `dvc add` puts into its cache."""
    folder = tmp_path / "model"
    (folder / "inner").mkdir(parents=True)
    for name, text in {"config.json": "{}", "b.bin": "weights", "inner/a.txt": ""}.items():
        (folder / name).write_text(text)
    for words in (["git", "init", "-q"], [*DVC, "init", "-q"], [*DVC, "add", "-q", "model"]):
        subprocess.run(words, cwd=tmp_path, check=True)
    record = (tmp_path / "model.dvc").read_text()
    md5, size = hash_folder(folder)
    assert f"md5: {md5}" in record
    assert size == {"size": 9, "nfiles": 3} and "size: 9" in record and "nfiles: 3" in record


def test_what_tells_most_is_trained_first() -> None:
    cells = [
        {"strategy": strategy, "degree": degree, "seed": seed, "lengths": lengths}
        for strategy, lengths in (("response-micro", "free"), ("response-micro", "as-random"), ("random", "free"))
        for degree in (0, 3)
        for seed in (3, 2, 1)
    ]
    named = [f"{cell['strategy'][:3]} {cell['lengths']} {cell['degree']} {cell['seed']}" for cell in order_cells(cells)]
    assert named[:2] == ["ran free 0 1", "ran free 0 2"] and {name[:3] for name in named[:6]} == {"ran"}
    assert named[6:12] == [
        "res as-random 0 1", "res as-random 0 2", "res free 0 1", "res free 0 2", "res as-random 0 3", "res free 0 3",
    ]  # fmt: skip
    assert all(" 3 " in name for name in named[12:])
    longest = {"strategy": "longest", "degree": 0, "seed": 1, "lengths": "free"}
    assert order_cells([longest, *cells])[-1] == longest


def test_a_training_that_is_done_or_taken_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, home, ran = tmp_path / "folder", tmp_path / "out", tmp_path / "home", []
    for path in (folder, out / "done", home / "claims"):
        path.mkdir(parents=True)
    (out / "done/record.json").write_text("{}")
    (home / "claims/taken").touch()
    trainings = [Training(name, "candidate", [], {})._asdict() for name in ("done", "taken", "broken", "new")]
    (folder / "cells.json").write_text(json.dumps({"trainings": trainings}))

    def train(entry: Training, *_: Any) -> None:
        ran.append(entry.name)
        if entry.name == "broken":
            raise ValueError("no memory")

    monkeypatch.setattr(lent_gpu, "_train", train)
    monkeypatch.setattr(lent_gpu, "Stages", object)
    lent_gpu.work(folder, out, home=home, until=float("inf"))
    assert ran == ["broken", "new"] and "no memory" in (out / "broken.error").read_text()
    lent_gpu.work(folder, out, home=home, until=0.0)  # no time is left
    assert ran == ["broken", "new"]


class ResolvingStages:
    """Resolves a stage's settings where the stage would, and writes the outs that its command names."""

    def __init__(self) -> None:
        self.seeds: list[str] = []

    def run(self, command: str, place: Path) -> None:
        words = read_arguments(command.split()[3:], place / "params.yaml")
        self.seeds += [word for word in words if word.startswith("--seed=")]
        (place / "models/candidate").mkdir(exist_ok=True)
        for path in lent_gpu.list_results("candidate"):
            (place / path).parent.mkdir(exist_ok=True)
            (place / path).write_text(words[0])


def list_candidate_commands() -> list[str]:
    """Those of dvc.yaml, as dvc.lock has them."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    tune, answer = stages["finetune"], stages["generate"]["cmd"]
    command = tune["do"]["cmd"].replace("${item.seed}", tune["foreach"]["candidate"]["seed"])
    return [command.replace("${key}", "candidate"), answer.replace("${item.arm}", "candidate")]


def train_cells(folder: Path, out: Path, home: Path, changes: list[dict[str, Any]]) -> tuple[list[Training], list[str]]:
    """Train a cell for each of the changed settings of `subset`; the entries, and the seeds that the stages got."""
    folder.mkdir()
    shutil.copyfile(ROOT / "params.yaml", folder / "params.yaml")
    stages, entries = ResolvingStages(), []
    for number, changed in enumerate(changes):
        entry = Training(f"cell-{number}", "candidate", list_candidate_commands(), changed)
        lent_gpu._train(entry, folder, out / entry.name, home, cast(lent_gpu.Stages, stages))
        entries.append(entry)
    return entries, stages.seeds


def test_every_training_has_the_seed_of_its_own_cell(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [{"seed": 2}, {"seed": 3, "strategy": "random", "degree": 0}, {}]
    entries, seeds = train_cells(tmp_path / "folder", tmp_path / "out", tmp_path / "home", changes)
    assert seeds == ["--seed=2", "--seed=3", "--seed=1"]
    records = [json.loads((tmp_path / "out" / entry.name / "record.json").read_text()) for entry in entries]
    assert [record["seed"] for record in records] == [2, 3, 1]
    assert [record["subset"]["strategy"] for record in records] == ["response-micro", "random", "response-micro"]
    for entry in entries:
        lent_gpu._check_record(entry, tmp_path / "folder", tmp_path / "out" / entry.name)


def test_a_training_with_other_settings_than_its_cells_is_not_taken(tmp_path: Path) -> None:
    folder, out = tmp_path / "folder", tmp_path / "out"
    [entry], _ = train_cells(folder, out, tmp_path / "home", [{"seed": 2}])
    path = out / entry.name / "record.json"
    record = json.loads(path.read_text())
    for changed, message in (
        ({"seed": 1}, r"must have the seed of its entry, 2, got 1\. Delete it"),
        ({"seed": None}, "must have the seed of its entry, 2, got None"),
        ({"subset": record["subset"] | {"degree": 5}}, "must have the subset of its entry"),
    ):
        path.write_text(json.dumps(record | changed))
        with pytest.raises(ValueError, match=message):
            lent_gpu._check_record(entry, folder, out / entry.name)
    shared = [Training(arm, arm, [], {}) for arm in ("base", "opponent")]
    for other in shared:
        (out / other.name).mkdir()
        settings = lent_gpu.read_training_settings(other, folder / "params.yaml")
        (out / other.name / "record.json").write_text(json.dumps(settings))
    trainings = [training._asdict() for training in (*shared, entry)]
    (folder / "cells.json").write_text(json.dumps({"trainings": trainings}))
    with pytest.raises(ValueError, match="must have the subset of its entry"):
        lent_gpu.take(folder, out, hardware="one GPU")  # before anything is written


def test_a_process_whose_first_trainings_fail_leaves_the_rest_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "claims").mkdir()
    trainings = [Training(name, "candidate", [], {})._asdict() for name in ("a", "b", "c")]
    (tmp_path / "cells.json").write_text(json.dumps({"trainings": trainings}))
    monkeypatch.setattr(lent_gpu, "Stages", object)
    monkeypatch.setattr(lent_gpu, "_train", lambda *_: 1 / 0)
    lent_gpu.work(tmp_path, tmp_path, home=tmp_path, until=float("inf"))
    assert sorted(path.name for path in (tmp_path / "claims").iterdir()) == ["a", "b"]
    assert "2 trainings failed and none ended, b last" in capsys.readouterr().out


def test_an_experiment_is_a_commit_under_dvcs_ref_and_the_workspace_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], check=True)
    Path("params.yaml").write_text("a: 1\n")
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    Path("params.yaml").write_text("a: 2\n")
    Path("metrics").mkdir()
    Path("metrics/cell.json").write_text("{}")
    lent_gpu._commit_experiment("random-0-s1", "one GPU")
    head = lent_gpu._git("rev-parse", "HEAD")
    ref = f"refs/exps/{head[:2]}/{head[2:]}/random-0-s1"
    assert lent_gpu._git("show", f"{ref}:params.yaml") == "a: 2"
    assert lent_gpu._git("show", f"{ref}:metrics/cell.json") == "{}"
    assert lent_gpu._git("log", "-1", "--format=%s %P", ref) == f"{HARDWARE_MESSAGE}one GPU {head}"
    assert lent_gpu._git("status", "--porcelain") == "M params.yaml\n?? metrics/"


def test_without_the_opponent_nothing_is_taken(tmp_path: Path) -> None:
    """All cells would be judged against an older one."""
    trainings = [Training(name, arm, [], {})._asdict() for name, arm in (("base", "base"), ("a", "candidate"))]
    (tmp_path / "cells.json").write_text(json.dumps({"trainings": trainings}))
    for name in ("base", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text("{}")
    with pytest.raises(ValueError, match=r"must have the trainings opponent and base, got \['base'\]"):
        lent_gpu.take(tmp_path, tmp_path, hardware="one GPU")


def test_a_result_that_did_not_come_back_is_an_error_and_not_the_last_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results, workspace = tmp_path / "results", tmp_path / "data/losses"
    for folder in (results, workspace):
        folder.mkdir(parents=True)
    (workspace / "candidate.csv").write_text("of the last cell")
    (results / "record.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"candidate\.csv"):
        lent_gpu._lock_training(Training("a", "candidate", [], {}), results)
