"""The code behind a training, on copies of this repository's own package."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from m2m.training.finetuning import finetune as finetuning
from m2m.training.finetuning.code_version import identify_code, list_imports
from tests.training.finetuning.test_finetune import RECIPE, ROWS

ROOT = Path(__file__).parents[3]
FINETUNE = "m2m.training.finetuning.finetune"
IMPORTED = ("training/finetuning/finetune", "training/finetuning/collation", "training/trainer/loop", "models")
SCRIPT = f"""
import sys
from pathlib import Path
from m2m.training.finetuning import code_version
code = code_version.identify_code({FINETUNE!r}, Path(code_version.__file__).parents[3])
print(code[{FINETUNE!r}])
assert not {{"torch", "transformers", "trl", "mlflow", "accelerate", "grimp"}} & set(sys.modules)
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package, as DVC's queue makes one."""
    shutil.copytree(ROOT / "m2m", tmp_path / "m2m", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("module", IMPORTED)
def test_a_change_of_any_file_that_is_imported_is_another_code(copied: Path, module: Any) -> None:
    before = identify_code(FINETUNE, copied)
    with (copied / f"m2m/{module}.py").open("a") as file:
        file.write("# another byte\n")
    after = identify_code(FINETUNE, copied)
    assert {name for name in before if before[name] != after[name]} == {f"m2m.{module.replace('/', '.')}"}


@pytest.mark.parametrize("module", ["units/macro/clusters", "training/pretrain", "judging/protocols/protocols"])
def test_a_change_of_another_file_is_not(copied: Path, module: str) -> None:
    before = identify_code(FINETUNE, copied)
    with (copied / f"m2m/{module}.py").open("a") as file:
        file.write("# another byte\n")
    assert identify_code(FINETUNE, copied) == before


def test_a_new_import_brings_its_file_in_also_inside_a_function(copied: Path) -> None:
    lora = copied / "m2m/training/finetuning/lora.py"
    (copied / "m2m/ranks.py").write_text("RANK = 1\n")
    lora.write_text(lora.read_text() + "\n\ndef _rank() -> int:\n    from m2m.ranks import RANK\n\n    return RANK\n")
    code = identify_code(FINETUNE, copied)
    (copied / "m2m/ranks.py").write_text("RANK = 2\n")
    assert code["m2m.ranks"] != identify_code(FINETUNE, copied)["m2m.ranks"]


def test_other_packages_count_by_their_version() -> None:
    from importlib.metadata import version

    code = identify_code(FINETUNE, ROOT)
    assert [code[name] for name in ("torch", "trl")] == [version("torch"), version("trl")]


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1: a relative import: write the full name"):
        list(list_imports(b"from . import collation"))


def test_the_code_is_that_of_the_working_folder_and_nothing_heavy_is_imported(copied: Path) -> None:
    with (copied / "m2m/training/finetuning/finetune.py").open("a") as file:
        file.write("# another byte\n")
    here, there = (
        subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, capture_output=True, text=True, check=True).stdout
        for folder in (ROOT, copied)
    )
    assert here.strip() == identify_code(FINETUNE, ROOT)[FINETUNE]
    assert there.strip() == identify_code(FINETUNE, copied)[FINETUNE]
    assert here != there


def test_the_key_of_a_training_contains_this_code() -> None:
    code = finetuning._list_facts(RECIPE, ROWS, 1)["code"]
    assert code == identify_code(FINETUNE, ROOT)
    assert {f"m2m.{module.replace('/', '.')}" for module in IMPORTED} <= set(code)
