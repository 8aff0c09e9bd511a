"""Memory does not grow with the file: 100,000 rows pass through ingest in what the tables of their numbers take."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_ingest_reads_a_hundred_megabytes_in_less_than_its_libraries_and_twice_the_file() -> None:
    """Seen: 0.41 GiB, of which libraries are 0.2; a reader that holds the file six times took 0.9 GiB and more."""
    words = [sys.executable, "-m", "bench.memory", "--rows", "100000", "--door", "ingest"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "89946 pool + 10054 held out + 0 rejects = 100000 rows read" in said
    peak = re.search(r"ingest: 100,000 rows, 0\.11 GiB: peak ([\d.]+) GiB", said)
    assert peak and float(peak[1]) < 0.6
