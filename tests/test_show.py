"""`make show` and `dvc metrics show`: a cell's figures stand beside the settings that made them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from m2m.schemas.cell import MADE_WITH

ROOT = Path(__file__).parent.parent
PIPELINE = """
stages:
  subset:
    cmd: python code.py subset.json ${subset.strategy} ${subset.degree}
    params: [subset]
    deps: [code.py, like.json]
    outs: [subset.json]
  measure:
    cmd: cp subset.json cell.json
    deps: [subset.json]
    metrics:
    - cell.json:
        cache: false
"""
CODE = """import json, sys
path, strategy, degree = sys.argv[1:]
cell = json.load(open("like.json"))
cell |= {"strategy": strategy, "degree": int(degree), "bpb_reduction": 0.125}
open(path, "w").write(json.dumps(cell))
"""


def read_recipe() -> str:
    """The shell command of `make show`, without the environment that make puts before it."""
    makefile = (ROOT / "Makefile").read_text()
    variable = re.search(r"^EXPERIMENTS := (.*)$", makefile, re.MULTILINE)[1]
    recipe = re.search(r"^show: .*\n\t\$\(RUN\) ((?:.*\\\n)*.*)\n", makefile, re.MULTILINE)[1]
    return recipe.replace("$(EXPERIMENTS)", variable).replace("$$", "$")


def run(folder: Path, command: str) -> str:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "300",
        **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_params(folder: Path, strategy: str, degree: int) -> None:
    """All settings of the project, for a subset of `strategy` and `degree`."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["subset"] |= {"strategy": strategy, "degree": degree}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.fixture(scope="module")
def selected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cell of response-micro, degree 6, was measured and committed; then random was selected alone, and committed."""
    folder = tmp_path_factory.mktemp("cell")
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "code.py").write_text(CODE)
    shutil.copy(ROOT / "metrics/cell.json", folder / "like.json")
    write_params(folder, "response-micro", 6)
    run(folder, "git init --quiet && dvc init --quiet && dvc config core.analytics false && dvc repro")
    run(folder, "git add --all && git commit --quiet --message=cell && dvc exp save --force --name cell")
    write_params(folder, "random", 0)
    run(folder, "dvc repro subset")
    return folder


def test_dvc_prints_the_figures_with_the_settings_that_made_them(selected: Path) -> None:
    metrics = json.loads(run(selected, "dvc metrics show --json"))[""]["data"]["cell.json"]["data"]
    assert [metrics[name] for name in ("strategy", "degree", "bpb_reduction")] == ["response-micro", 6, 0.125]


def test_the_first_200_columns_of_dvc_exp_show_have_the_settings_and_the_main_figures(selected: Path) -> None:
    """DVC shows all of params.yaml too; a pager shows the rest of the line to the right."""
    header, cell = (line[:200].split() for line in run(selected, "dvc exp show").splitlines()[1:5:2])
    assert header[2:12] == [*MADE_WITH, "bpb_reduction", "likelihood_win_rate"]
    assert [*cell[2:4], cell[10]] == ["response-micro", "response-micro", "0.125"]


def test_make_show_has_no_figures_beside_settings_of_a_later_selection(selected: Path) -> None:
    run(selected, "git commit --quiet --all --message=selection")
    run(selected, "dvc exp save --force --name later")
    lines = [line for line in run(selected, read_recipe()).splitlines() if "0.125" in line]
    assert lines and all("response-micro" in line and "random" not in line for line in lines)
    assert "workspace" not in run(selected, read_recipe())
