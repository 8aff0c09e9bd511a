"""In a clone, without a network: a profile of real models is used and planned; the first stage says what it needs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "GIT_", "HF_"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    env |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(folder.parent / "hub")}  # nothing listens there
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)


def test_the_paper_is_planned_and_its_first_stage_says_what_it_needs(clone: Path) -> None:
    used = run(clone, "python", "-m", "m2m", "use", "paper-10k")
    assert "base.name" in used.stdout and "settings of params.yaml changed" in used.stdout, used.stderr
    planned = run(clone, "python", "-m", "m2m", "plan", "--gpu", "h100")
    assert "meta-llama/Llama-2-7b-hf, 6,738,415,616 parameters" in planned.stdout, planned.stderr
    assert "GPU-hours" in planned.stdout and "stale stages            ingest, " in planned.stdout
    would = run(
        clone, "dvc", "repro", "--dry", "--force"
    )  # without --force DVC wants to look into data that is not there
    assert would.returncode == 0 and "Running stage 'measure'" in would.stdout, would.stderr
    tried = run(clone, "dvc", "repro", "ingest")
    assert tried.returncode != 0
    errors = [line for line in tried.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "databricks/databricks-dolly-15k" in errors[0] and "Hugging Face hub" in errors[0]
    assert "Traceback" not in tried.stderr
