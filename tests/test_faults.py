"""Faults of tests/faults/*.yaml are planted in a copy of the repository, and their tests must fail."""

from pathlib import Path

import pytest

from tests.planted_faults import TESTS_FAILED, Fault, copy_repository, find_mistake, plant, read_faults, run_tests

ROOT = Path(__file__).parent.parent

FILES = [read_faults([path]) for path in sorted((ROOT / "tests" / "faults").glob("*.yaml"))]
FAULTS = [fault for faults in FILES for fault in faults]
SAMPLE = [fault for faults in FILES for fault in faults[::25]]  # `make faults` plants them all, in about 20 minutes


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    copy_repository(ROOT, folder)
    sound = run_tests(folder, sorted({path for fault in SAMPLE for path in fault.tests}))
    assert sound.returncode == 0, sound.stdout
    return folder


def test_every_fault_can_be_planted() -> None:
    assert [mistake for fault in FAULTS if (mistake := find_mistake(ROOT, fault))] == []


@pytest.mark.long
@pytest.mark.parametrize("fault", SAMPLE, ids=str)
def test_a_planted_fault_is_noticed(copy: Path, fault: Fault) -> None:
    run = plant(copy, fault)
    if run.returncode == 0 and "no Chromium here" in run.stdout:
        pytest.skip("the tests that notice it need Chromium: apt-get install chromium")
    assert run.returncode == TESTS_FAILED, f"{fault} survives {' '.join(fault.tests)}\n{run.stdout}"
