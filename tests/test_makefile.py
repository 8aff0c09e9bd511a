"""What a signal to make does to the command that it runs."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMAND = """
import pathlib, signal, sys, time
def note(number, frame):
    pathlib.Path("noted").write_text(str(number))
    sys.exit(1)
signal.signal(signal.SIGTERM, note)
pathlib.Path("ready").touch()
time.sleep(60)
"""


@pytest.mark.parametrize("verb", ["$(RUN) probe probe.py", "$(RUN) OMP_NUM_THREADS=1 probe probe.py $(GRID)"])
def test_a_signal_to_make_reaches_the_command_itself(verb: str, tmp_path: Path) -> None:
    """A batch system's limit, or a closed terminal, ends make alone; `make grid` then stops its workers and cells."""
    (tmp_path / "probe.py").write_text(COMMAND)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/probe").symlink_to(sys.executable)
    words = ["make", "--file", str(ROOT / "Makefile"), f"--eval=probe:\n\t{verb}", "probe"]
    make = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(tmp_path / "ready")
    make.send_signal(signal.SIGTERM)
    make.communicate(timeout=60)
    wait_for(tmp_path / "noted")
    assert (tmp_path / "noted").read_text() == str(int(signal.SIGTERM))


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists() and (path.name == "ready" or path.read_text()):
            return
        time.sleep(0.1)
    raise AssertionError(f"{path.name} did not come in a minute")
