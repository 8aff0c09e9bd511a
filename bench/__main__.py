"""Runs every benchmark, one process each, and leaves its lines on standard output."""

import subprocess
import sys

ROOMS = ("selection", "diversity", "band", "embed", "cluster")


def main(flags: list[str]) -> int:
    """The number of benchmarks that failed; `--full` is for selection's ten million rows."""
    return sum(
        subprocess.run([sys.executable, "-m", f"bench.{room}", *(flags if room == "selection" else [])]).returncode != 0
        for room in ROOMS
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
